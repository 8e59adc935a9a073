"""SQLite when its surroundings fail: locked, full, replaced, unable to sync."""

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import Executor, Future
from pathlib import Path
from threading import get_ident

import pytest
from sqlalchemy import Connection, func, insert, select, text

from itaca.errors import ConfigurationError, TransientError
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from itaca.storage.sqlite import SqliteDatabase
from itaca.storage.tables import mails, teams
from tests.support.ledger import Ledger
from tests.support.require import require


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Give a fresh ledger's file."""
    await upgrade(f"sqlite:///{tmp_path}/ledger.db")
    return tmp_path / "ledger.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open the ledger with little patience for locks."""
    opened = SqliteDatabase(path, busy_timeout_s=0.2)
    yield opened
    await opened.close()


def add_team(connection: Connection, name: str = "tutti") -> None:
    connection.execute(insert(teams).values(id=name, name=name, kinds=[]))


def count_teams(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(teams)).scalar_one()


async def test_durable_settings_are_in_force(database: SqliteDatabase) -> None:
    """L19: writer and readers run with WAL, synchronous FULL, foreign keys and a busy timeout."""

    def settings(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    assert await database.write(settings) == ["wal", 2, 1, 200]
    assert await database.read(settings) == ["wal", 2, 1, 200]


async def test_a_new_ledger_and_its_log_are_their_owners_alone(database: SqliteDatabase, path: Path) -> None:
    """Nobody else on the machine reads what customers wrote."""
    await database.write(add_team)
    assert {name: path.with_name(name).stat().st_mode & 0o777 for name in ("ledger.db", "ledger.db-wal")} == {
        "ledger.db": 0o600,
        "ledger.db-wal": 0o600,
    }


async def test_q1_a_locked_file_is_transient_and_recovers(database: SqliteDatabase, path: Path) -> None:
    """Q1: while another process holds the file a write says again later, reads go on, and afterwards it works."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TransientError, match="locked"):
        await database.write(add_team)
    assert await database.read(count_teams) == 0
    other.execute("ROLLBACK")
    other.close()
    await database.write(add_team)
    assert await database.read(count_teams) == 1


async def test_a_second_process_works_beside_the_first(database: SqliteDatabase, path: Path) -> None:
    """A command line verb reads and writes the file that a running Itaca holds open."""
    await database.write(add_team)
    code = (
        "import asyncio, sys\n"
        "from sqlalchemy import insert, select, func\n"
        "from itaca.storage.open import open_database\n"
        "from itaca.storage.tables import teams\n"
        "async def main():\n"
        "    db = await open_database(sys.argv[1])\n"
        "    await db.write(lambda c: c.execute(insert(teams).values(id='b', name='b', kinds=[])))\n"
        "    print(await db.read(lambda c: c.execute(select(func.count()).select_from(teams)).scalar_one()))\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    arguments = (sys.executable, "-P", "-c", code, f"sqlite:///{path}")
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    written, _ = await process.communicate()
    assert written.strip() == b"2"
    assert await database.read(count_teams) == 2


async def test_k1_a_full_disk_is_transient_and_recovers(database: SqliteDatabase, path: Path) -> None:
    """K1, L39: a file that cannot grow says again later; with room again the same mail is taken."""
    ledger = Ledger(database)
    kept = await ledger.accept(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal_bytes = os.stat(f"{path}-wal").st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal_bytes + 10_000, hard))
    try:
        with pytest.raises(TransientError):
            await ledger.accept(os.urandom(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = await ledger.accept(b"after")
    ids = await database.read(lambda c: set(c.execute(select(mails.c.id)).scalars()))
    assert ids == {kept, after}
    assert await database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one()) == "ok"


async def test_q2_a_replaced_or_deleted_file_is_not_written(database: SqliteDatabase, path: Path) -> None:
    """Q2: when the file is deleted or another takes its place, writing stops with a sentence."""
    spare = path.with_name("spare.db")
    await upgrade(f"sqlite:///{spare}")
    os.replace(path, path.with_name("away.db"))
    with pytest.raises(TransientError, match="deleted or replaced"):
        await database.write(add_team)
    shutil.move(spare, path)
    with pytest.raises(TransientError, match="deleted or replaced"):
        await database.write(add_team)
    os.replace(path.with_name("away.db"), path)
    await database.write(add_team)


async def test_q2_a_missing_file_is_never_created_by_opening(tmp_path: Path) -> None:
    """Q2: opening a ledger that is not there refuses and leaves no empty file behind."""
    with pytest.raises(ConfigurationError, match="there is no ledger at"):
        await open_database(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


async def test_q2_a_damaged_header_is_transient(path: Path) -> None:
    """Q2: a file that is no database any more is an error in words, not an empty ledger."""
    for beside in (path.with_name("ledger.db-wal"), path.with_name("ledger.db-shm")):
        beside.unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.write(b"not a database at all, not a database at all")
    with pytest.raises(TransientError):
        await open_database(f"sqlite:///{path}")


async def test_k4_after_a_failed_sync_nothing_more_is_accepted(path: Path) -> None:
    """K4, L20: a sync that fails is TransientError, and this process then writes nothing until it is restarted."""
    if shutil.which("strace") is None:
        require("strace", "strace is missing: install the Debian package strace")
    code = (
        "import asyncio, random, sys\n"
        "from itaca.clock import SystemClock\n"
        "from itaca.errors import TransientError\n"
        "from itaca.storage.open import open_database\n"
        "from itaca.storage.intake import Intake\n"
        "from itaca.mail.model import Envelope\n"
        "async def main():\n"
        "    db = await open_database(sys.argv[1])\n"
        "    intake = Intake(db, SystemClock(), random.Random(1))\n"
        "    for number in range(12):\n"
        "        try:\n"
        "            await intake.accept(Envelope(sender='', recipients=('a@b',)), b'%d' % number, 'c')\n"
        "            print('ok')\n"
        "        except TransientError as error:\n"
        "            print('sync' if 'sync' in str(error) else 'again')\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]
    fault = ["-e", "inject=fdatasync,fsync:error=EIO:when=6"]
    command = [*inject, *fault, sys.executable, "-P", "-c", code, f"sqlite:///{path}"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    lines = done.stdout.split()
    assert lines.count("ok") >= 1, done.stderr
    assert lines[lines.index("again") :] == ["again"] + ["sync"] * (12 - lines.index("again") - 1)
    restarted = await open_database(f"sqlite:///{path}")
    known = await restarted.read(lambda c: c.execute(select(func.count()).select_from(mails)).scalar_one())
    assert known >= lines.count("ok")
    await restarted.close()


class AtOnce(Executor):
    """Runs what it is given in the caller's thread, as a simulation would."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future[object] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


async def test_an_injected_executor_needs_no_thread() -> None:
    """With an executor of the caller's everything happens in the caller's thread."""
    database = SqliteDatabase(None, writer=AtOnce(), readers=AtOnce())
    threads = {await database.write(lambda _: get_ident()), await database.read(lambda _: get_ident())}
    await database.close()
    assert threads == {get_ident()}


async def test_a_ledger_in_memory_is_complete_at_once() -> None:
    """``sqlite://`` needs no upgrade and has the triggers."""
    database = await open_database("sqlite://")
    ledger = Ledger(database)
    await ledger.accept()
    query = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
    assert await database.read(lambda c: c.execute(query).scalar_one()) >= 9
    await database.close()
