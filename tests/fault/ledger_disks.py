"""Faults of PostgreSQL's disks: no room for its tables, and none for its write-ahead log, which ends it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from tests.fault.disks import filled, small_disk
from tests.fault.site import Site

ROOM_BYTES = 16 * 1024 * 1024
"""What a disk has beyond what lies on it when it is filled."""
_LOG_BYTES = 8 * 1024 * 1024
_WRITES_MUCH = f"SELECT pg_logical_emit_message(false, '', repeat('x', {ROOM_BYTES}))"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


async def tables_without_room(site: Site, seconds: float) -> None:
    """Put every table on a small disk and fill it: whatever needs a further page is refused."""
    size_bytes = int(await site.sql("SELECT pg_database_size(current_database())"))
    with small_disk(site.postgres.home, size_bytes + ROOM_BYTES) as disk:
        site.postgres.give(disk)
        await site.sql(f"CREATE TABLESPACE cramped LOCATION '{disk}'")
        try:
            await _move_tables(site, "cramped")
            with filled(disk):
                await asyncio.sleep(seconds)
        finally:
            await _move_tables(site, "pg_default")
            # Recovery from a later kill must not begin where the tablespace still was.
            await site.sql("DROP TABLESPACE cramped", "CHECKPOINT")


async def log_without_room(site: Site, seconds: float) -> None:
    """Put the write-ahead log on a small disk and fill it: PostgreSQL dies, and is started when there is room."""
    with small_disk(site.postgres.home, _LOG_BYTES + ROOM_BYTES) as disk:
        async with _log_on(site, disk):
            said = len(site.postgres.console())
            with filled(disk):
                # What is left of the log is used up at once, and whoever writes next finds no room.
                with contextlib.suppress(AssertionError):
                    await site.sql(_WRITES_MUCH)
                await asyncio.sleep(seconds)
            assert "PANIC" in site.postgres.console()[said:], "the log found room"
            await site.call(site.postgres.restart)


async def _move_tables(site: Site, tablespace: str) -> None:
    """Move one by one: a transaction that locked them all could deadlock with ours."""
    for table in (await site.sql(_TABLES)).split():
        await site.sql(f"ALTER TABLE {table} SET TABLESPACE {tablespace}")


@contextlib.asynccontextmanager
async def _log_on(site: Site, disk: Path) -> AsyncIterator[None]:
    """Let the write-ahead log lie on this disk during the block, and be small."""
    home, away = site.postgres.home / "data" / "pg_wal", disk / "pg_wal"
    await site.sql(f"ALTER SYSTEM SET max_wal_size = '{_LOG_BYTES >> 20}MB'", "ALTER SYSTEM SET min_wal_size = '2MB'")
    await site.sql("SELECT pg_reload_conf()", "CHECKPOINT", "CHECKPOINT")
    site.postgres.kill9()
    shutil.move(home, away)
    home.symlink_to(away)
    site.postgres.give(away)
    await site.call(site.postgres.start)
    try:
        yield
    finally:
        site.postgres.kill9()
        home.unlink()
        shutil.move(away, home)
        site.postgres.give(home)
        await site.call(site.postgres.start)
        await site.sql(
            "ALTER SYSTEM RESET max_wal_size", "ALTER SYSTEM RESET min_wal_size", "SELECT pg_reload_conf()"
        )
