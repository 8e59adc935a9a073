"""PostgreSQL when it fails: killed, frozen, cut off in the middle of a commit, locked, misconfigured."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.engine import make_url

from itaca.cli.ledger import read_ledger
from itaca.errors import ConfigurationError, PermanentError, TransientError
from itaca.storage.open import open_database
from itaca.storage.postgres import PostgresDatabase, PostgresLimits
from itaca.storage.tables import mails, teams
from tests.support.chaos_proxy import ChaosProxy
from tests.support.ledger import Ledger
from tests.support.postgres import PostgresServer, find_programs, fresh_server
from tests.support.waiting import until

pytestmark = pytest.mark.postgres
IMPATIENT = PostgresLimits(
    connections=2, connect_timeout_s=4.0, statement_timeout_s=4.0, lock_timeout_s=0.3, transaction_timeout_s=5.0
)


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """Give these tests a PostgreSQL of their own, because they kill it."""
    yield from fresh_server()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    """Open a fresh ledger with little patience."""
    opened = PostgresDatabase(postgres_url, IMPATIENT, random.Random(1))
    yield opened
    await opened.close()


@pytest.fixture
def thawed(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """Give the server, and leave it running however the test ends."""
    yield postgres_server
    postgres_server.cont()


def add_team(connection: Connection, name: str = "tutti") -> None:
    connection.execute(insert(teams).values(id=name, name=name, kinds=[]))


def count_teams(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(teams)).scalar_one()


async def is_back(database: PostgresDatabase) -> bool:
    """Say whether a read succeeds."""
    try:
        await database.read(count_teams)
    except TransientError:
        return False
    return True


async def test_p1_killed_and_restarted(database: PostgresDatabase, postgres_server: PostgresServer) -> None:
    """P1, L2: kill -9 is TransientError meanwhile; afterwards every acknowledged mail is there."""
    ledger = Ledger(database)
    kept = [await ledger.accept(b"%d" % n) for n in range(5)]
    postgres_server.kill9()
    with pytest.raises(TransientError):
        await ledger.accept(b"meanwhile")
    postgres_server.start()
    await until(lambda: is_back(database), "the pool has recovered", timeout_s=30)
    again = await ledger.accept(b"meanwhile")
    ids = await database.read(lambda c: set(c.execute(select(mails.c.id)).scalars()))
    assert ids == {*kept, again}


async def test_p2_frozen_server_is_transient_in_time(database: PostgresDatabase, thawed: PostgresServer) -> None:
    """P2: a frozen server is TransientError within the limits, and works again once it goes on."""
    await database.write(add_team)
    loop = asyncio.get_running_loop()
    started = loop.time()
    thawed.stop_s()
    with pytest.raises(TransientError):
        await database.write(lambda c: add_team(c, "due"))
    assert loop.time() - started < 30
    thawed.cont()
    await until(lambda: is_back(database), "the pool has recovered", timeout_s=30)
    await database.write(lambda c: add_team(c, "tre"))


async def test_p3_a_commit_whose_answer_is_lost_is_not_a_second_mail(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    """P3, L34: cut during COMMIT the sender hears again later; the mail offered again has the id it has."""
    async with ChaosProxy(postgres_server.port) as proxy:
        through = postgres_server.url(str(make_url(postgres_url).database), proxy.port)
        database = PostgresDatabase(through, IMPATIENT)
        ledger = Ledger(database)
        await ledger.accept(b"first")

        def commit_cut(connection: Connection) -> None:
            add_team(connection, "unknown")
            proxy.mode = "cut_reply"

        with pytest.raises(TransientError):
            await database.write(commit_cut)
        await proxy.set("pass")
        await until(lambda: is_back(database), "the pool has recovered", timeout_s=30)
        assert await database.read(count_teams) == 1

        lost = asyncio.ensure_future(ledger.accept(b"second"))
        await proxy.set("cut_reply")
        with pytest.raises(TransientError):
            await lost
        await proxy.set("pass")
        await until(lambda: is_back(database), "the pool has recovered", timeout_s=30)
        again = await ledger.accept(b"second")
        rows = await database.read(lambda c: list(c.execute(select(mails.c.id)).scalars()))
        assert rows.count(again) == 1
        assert len(rows) == 2
        await database.close()


async def test_p4_terminated_backends_are_replaced(
    database: PostgresDatabase, postgres_server: PostgresServer
) -> None:
    """P4: when an administrator ends our connections one call fails at most per connection, then all is well."""
    await database.write(add_team)
    ours = "FROM pg_stat_activity WHERE application_name = 'itaca'"
    postgres_server.sql(f"SELECT pg_terminate_backend(pid, 10000) {ours}")
    answers = [await is_back(database) for _ in range(10)]
    assert answers.count(False) <= IMPATIENT.connections
    assert answers[-1]
    await database.write(lambda c: add_team(c, "due"))
    assert await database.read(count_teams) == 2


async def test_p4_a_lock_held_too_long_is_transient(
    database: PostgresDatabase, postgres_url: str, postgres_server: PostgresServer
) -> None:
    """P4: a table that somebody locks is waited for only so long; afterwards the same work succeeds."""
    other = PostgresDatabase(postgres_url)
    is_locked, may_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with other._engine.begin() as connection:
            await connection.execute(text("LOCK TABLE teams IN ACCESS EXCLUSIVE MODE"))
            is_locked.set()
            await may_go.wait()

    holder = asyncio.ensure_future(hold())
    await is_locked.wait()
    with pytest.raises(TransientError):
        await database.write(add_team)
    may_go.set()
    await holder
    await database.write(add_team)
    await other.close()


async def test_p4_a_read_only_server_is_transient(postgres_server: PostgresServer) -> None:
    """P4: a server switched to read only (a failover) is waited for, not taken for a broken rule."""
    name = postgres_server.new_database()
    postgres_server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database = PostgresDatabase(postgres_server.url(name), IMPATIENT)
    with pytest.raises(TransientError):
        await database.write(add_team)
    await database.close()


async def test_p4_a_deadlock_is_tried_again(database: PostgresDatabase) -> None:
    """P4: two transactions that lock each other's rows both succeed, because one is run again."""
    await database.write(lambda c: [add_team(c, name) for name in ("a", "b")])
    runs: list[str] = []
    lock_row = text("UPDATE teams SET kinds = '[]' WHERE id = :id")
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    who_has_one = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {here}"

    def cross(connection: Connection, first: str, second: str) -> None:
        runs.append(first)
        connection.execute(lock_row, {"id": first})
        if runs.count(first) == 1:  # each has its first row before either asks for its second
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ord(first)})")
            while connection.exec_driver_sql(who_has_one).scalar_one() < 2:
                connection.exec_driver_sql("SELECT pg_sleep(0.02)")
        connection.execute(lock_row, {"id": second})

    patient = PostgresDatabase(database._engine.url.render_as_string(hide_password=False), PostgresLimits())
    await asyncio.gather(patient.write(lambda c: cross(c, "a", "b")), patient.write(lambda c: cross(c, "b", "a")))
    assert len(runs) >= 3
    await patient.close()


async def test_a_role_cannot_weaken_our_commits(postgres_server: PostgresServer) -> None:
    """1.4: with synchronous_commit off as the default of the database our sessions still run with it on."""
    name = postgres_server.new_database()
    postgres_server.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    database = await open_database(postgres_server.url(name))
    show = text("SHOW synchronous_commit")
    assert await database.write(lambda c: c.execute(show).scalar_one()) == "on"
    await database.close()


async def test_a_server_without_fsync_is_refused_in_words() -> None:
    """1.4: a server that does not sync is a configuration error that names the setting."""
    programs = find_programs()
    assert programs is not None
    server = PostgresServer(programs, {"fsync": "off", "full_page_writes": "off"})
    try:
        server.start()
        with pytest.raises(ConfigurationError) as caught:
            await open_database(server.url("postgres"))
    finally:
        server.close()
    assert ["fsync=off" in problem for problem in caught.value.problems] == [True, False]
    assert "full_page_writes=off" in caught.value.problems[1]


async def test_a_server_that_is_away_is_transient_and_shows_no_password(postgres_server: PostgresServer) -> None:
    """Nothing listening, or a name that does not exist: again later, and no text carries the password."""
    for url in (postgres_server.url("x", port=1), postgres_server.url("no_such_database")):
        with pytest.raises(TransientError) as caught:
            await open_database(url, IMPATIENT)
        error: BaseException | None = caught.value
        while error is not None:
            assert "porta-a-casa" not in str(error) + repr(error)
            error = error.__cause__ or error.__context__


async def test_p5_a_connection_cut_by_a_time_limit_is_not_used_again(postgres_url: str) -> None:
    """P5, L35: after transactions cut in the middle by our limit, later commits are seen from another connection."""
    hasty = PostgresDatabase(postgres_url, PostgresLimits(connections=2, transaction_timeout_s=1.5))
    for number in range(3):
        with pytest.raises(TransientError):
            await hasty.write(lambda c: c.exec_driver_sql("SELECT pg_sleep(30)"))
        await hasty.write(lambda c, n=number: add_team(c, f"team{n}"))
    other = PostgresDatabase(postgres_url)
    assert await other.read(count_teams) == 3
    await hasty.close()
    await other.close()


async def test_a_true_conflict_ends_as_permanent(database: PostgresDatabase) -> None:
    """A row that exists stays a refusal after the retries that a race would need."""
    runs: list[int] = []

    def twice(connection: Connection) -> None:
        runs.append(1)
        add_team(connection)

    await database.write(add_team)
    with pytest.raises(PermanentError, match="23505"):
        await database.write(twice)
    assert 1 < len(runs) <= IMPATIENT.attempts


def test_whoever_asks_at_the_command_line_may_wait(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit of a large ledger reads for minutes, where a stage gives up after seconds."""
    for name in [name for name in os.environ if name.startswith("ITACA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ITACA_DATABASE_URL", postgres_url)
    limits = ("statement_timeout", "lock_timeout")
    found = read_ledger(lambda c: [c.exec_driver_sql(f"SHOW {name}").scalar_one() for name in limits])
    assert found == ["1h", "10s"]
