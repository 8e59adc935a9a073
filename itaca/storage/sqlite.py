"""SQLite: one thread writes, two read; a transaction is one hop to its thread, whatever it holds.

Each write transaction begins with BEGIN IMMEDIATE: a deferred one that wants to write later fails at once with
"database is locked" and never waits for the busy timeout (python/cpython#124510).
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from itaca.errors import PermanentError, TransientError
from itaca.storage.database import InFlight, Work

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0
READERS = 2
_LOST_SYNC = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


class SqliteDatabase:
    """A ledger in one file, or in memory for tests.

    Args:
        path: an existing file, or None for a private database in memory (one connection for all).
        busy_timeout_s: how long a transaction waits for another process that holds the file.
        writer: runs the write transactions one at a time; by default a thread of its own.
        readers: runs the read transactions; by default two threads. An executor that runs its work at once
            makes everything happen in the caller's thread, for simulations.

    Raises:
        TransientError: the file is missing or unreadable, or does not take the settings that make a commit
            durable (a network file system, for one).
    """

    dialect = "sqlite"

    def __init__(
        self,
        path: Path | None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        writer: Executor | None = None,
        readers: Executor | None = None,
    ) -> None:
        self._path = path
        self._in_flight = InFlight()
        self._fault = ""
        self._writing = sqlite_engine(path, busy_timeout_s, begin="BEGIN IMMEDIATE")
        self._writer = writer or ThreadPoolExecutor(1, "itaca-sqlite-writer")
        if path is None:
            self._reading, self._readers = self._writing, readers or self._writer
        else:
            self._reading = sqlite_engine(path, busy_timeout_s, begin="BEGIN", is_query_only=True)
            self._readers = readers or ThreadPoolExecutor(READERS, "itaca-sqlite-reader")
        with _translated(is_reading=True), self._writing.connect():
            self._inode = _inode(path)

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._in_flight.run(lambda: loop.create_task(self._hop(self._writer, self._write, work)))

    async def read(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._in_flight.run(lambda: loop.create_task(self._hop(self._readers, self._read, work)))

    async def close(self) -> None:
        await self._in_flight.settle()
        for executor in {self._writer, self._readers}:
            executor.shutdown(wait=True)
        self._writing.dispose()
        self._reading.dispose()

    @staticmethod
    async def _hop(executor: Executor, transaction: Any, work: Work[T]) -> T:
        result: T = await asyncio.get_running_loop().run_in_executor(executor, transaction, work)
        return result

    def _write(self, work: Work[T]) -> T:
        self._refuse_when_suspect()
        try:
            with _translated(is_reading=False), self._writing.begin() as connection:
                return work(connection)
        except TransientError as error:
            self._remember_lost_sync(error.__cause__)
            raise

    def _read(self, work: Work[T]) -> T:
        with _translated(is_reading=True), self._reading.connect() as connection:
            if self._path is not None:
                with connection.begin():
                    return work(connection)
            return _read_on_shared(connection, work)

    def _refuse_when_suspect(self) -> None:
        """Raise TransientError after a failed sync, or when the file was deleted or replaced under us."""
        if self._fault:
            raise TransientError(self._fault)
        if _inode(self._path) != self._inode:
            raise TransientError("the database file was deleted or replaced: restart after putting it back")

    def _remember_lost_sync(self, cause: BaseException | None) -> None:
        """After a failed sync nobody knows what the disk holds: nothing more is written by this process."""
        origin = cause.orig if isinstance(cause, DBAPIError) else None
        if getattr(origin, "sqlite_errorcode", None) in _LOST_SYNC:
            self._fault = "the disk failed to sync: restart, so that the file is checked and recovered"


def sqlite_engine(path: Path | None, busy_timeout_s: float, begin: str, is_query_only: bool = False) -> Engine:
    """Return an engine whose transactions start with our own ``begin`` and whose settings were read back."""
    target = "file::memory:" if path is None else f"{path.absolute().as_uri()}?mode=rw"
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _connect(target, busy_timeout_s, is_query_only),
        poolclass=StaticPool if path is None else QueuePool,
        hide_parameters=True,
        **({} if path is None else {"pool_size": READERS, "max_overflow": 0}),
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def empty_log(path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> bool:
    """Write everything of the write-ahead log into the file and cut the log to nothing, also while Itaca runs.

    Until then the log holds pages as they were before an erasure. Return False when somebody kept reading an older
    state for all of ``busy_timeout_s``: try again later.
    """
    with contextlib.closing(_connect(f"{path.absolute().as_uri()}?mode=rw", busy_timeout_s, False)) as connection:
        is_busy, _pages, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def _connect(target: str, busy_timeout_s: float, is_query_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        target, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    try:
        _set_and_read_back(connection, busy_timeout_s, is_in_memory="mode=rw" not in target)
        connection.execute(f"PRAGMA query_only={int(is_query_only)}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_and_read_back(connection: sqlite3.Connection, busy_timeout_s: float, is_in_memory: bool) -> None:
    """Set what makes a commit durable, and believe only what SQLite then says (FULL is 2; www.sqlite.org/pragma)."""
    busy_ms = int(busy_timeout_s * 1000)
    wanted = (
        ("busy_timeout", busy_ms, busy_ms),
        ("synchronous", "FULL", 2),
        ("foreign_keys", "ON", 1),
        # What is erased is overwritten with zeros; many builds of SQLite leave it in the free pages.
        ("secure_delete", "ON", 1),
    )
    for name, value, expected in wanted:
        connection.execute(f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise sqlite3.OperationalError(f"PRAGMA {name} stays at {found}")
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal" and not is_in_memory:
        raise sqlite3.OperationalError(f"the file system does not allow a write-ahead log (journal_mode {mode})")


def _read_on_shared(connection: Connection, work: Work[T]) -> T:
    """Read on the one connection of a database in memory, which must write again afterwards."""
    with connection.begin():
        connection.exec_driver_sql("PRAGMA query_only=1")
        try:
            return work(connection)
        finally:
            connection.exec_driver_sql("PRAGMA query_only=0")


@contextmanager
def _translated(is_reading: bool) -> Iterator[None]:
    """Turn what SQLite says into again-later or never; its messages name columns and never values."""
    try:
        yield
    except IntegrityError as error:
        raise PermanentError(f"the ledger refuses it: {error.orig}") from error
    except DBAPIError as error:
        if is_reading and getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY:
            raise PermanentError("a transaction that only reads tried to write") from error
        raise TransientError(f"the database cannot do it now: {error.orig}") from error
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        raise TransientError(f"the database cannot do it now: {type(error).__name__}") from error


def _inode(path: Path | None) -> tuple[int, int] | None:
    """Return what identifies the file, or None when there is none."""
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
