"""Faults of PostgreSQL: killed in the commit, frozen, read-only, locked, crowded out."""

import asyncio
import contextlib

import asyncpg

from tests.fault.site import Site


async def killed(site: Site) -> None:
    """Kill PostgreSQL with every backend, and start it again after three seconds."""
    site.postgres.kill9()
    await asyncio.sleep(3)
    await site.call(site.postgres.start)


async def killed_in_the_commit(site: Site, times: int) -> None:
    """Let each commit wait before it is written, and kill PostgreSQL while some do."""
    await site.sql("ALTER SYSTEM SET commit_delay = 100000", "ALTER SYSTEM SET commit_siblings = 0")
    await site.sql("SELECT pg_reload_conf()")
    for _ in range(times):
        await asyncio.sleep(2)
        site.postgres.kill9()
        await site.call(site.postgres.start)
    await site.sql("ALTER SYSTEM RESET commit_delay", "ALTER SYSTEM RESET commit_siblings")
    await site.sql("SELECT pg_reload_conf()")


async def frozen(site: Site, seconds: float) -> None:
    """Freeze PostgreSQL with SIGSTOP; the kernel still accepts connections for it."""
    site.postgres.stop_s()
    try:
        await asyncio.sleep(seconds)
    finally:
        site.postgres.cont()


async def terminated(site: Site, times: int) -> None:
    """End all our connections, again and again."""
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'itaca'"
    for _ in range(times):
        await site.sql(ending)
        await asyncio.sleep(0.3)


async def read_only(site: Site, seconds: float) -> None:
    """Let every transaction be read-only."""
    await site.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        await asyncio.sleep(seconds)
    finally:
        await site.sql("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


async def locked(site: Site, seconds: float) -> None:
    """Hold the table of mails and the outbox under an exclusive lock."""
    await site.sql(f"BEGIN; LOCK TABLE mails, outbox IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds:g}); COMMIT")


async def crowded(site: Site, seconds: float) -> None:
    """Take every connection that PostgreSQL allows, and end ours."""
    address = {"host": "127.0.0.1", "port": site.postgres.port, "user": "itaca", "database": site.database_name}
    held: list[asyncpg.Connection] = []
    try:
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                if len(held) == 20:
                    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'itaca'"
                    await held[0].execute(ending)
                held.append(await asyncpg.connect(**address))
        await asyncio.sleep(seconds)
    finally:
        for connection in held:
            await connection.close()
