"""The ledger of the simulation: the product's own SQLite in memory, behind an unreliable line."""

import asyncio
import sqlite3
from functools import cache
from typing import TypeVar

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from itaca.errors import TransientError
from itaca.storage.database import InFlight, Work
from itaca.storage.open import create_everything
from itaca.storage.sqlite import _translated
from tests.simulation.chances import Chances
from tests.simulation.log import Log

T = TypeVar("T")


class Kept(sqlite3.Connection):
    """A connection whose one transaction lasts as long as a run; nobody but ``Disk`` ends it."""

    def commit(self) -> None:
        """Keep it open."""

    def rollback(self) -> None:
        """Keep it open."""


class Disk:
    """One database in memory per process; a run is one transaction, undone at its end, so that all is empty again.

    What the product calls a transaction is a savepoint here: all or nothing as well, and the statements that SQLite
    has prepared stay prepared from run to run, which is half of the speed.
    """

    def __init__(self) -> None:
        self.sql = sqlite3.connect(":memory:", isolation_level=None, factory=Kept, cached_statements=2_000)
        """For plain SQL, between transactions."""
        self.sql.execute("PRAGMA foreign_keys=ON")
        engine = create_engine("sqlite+pysqlite://", creator=lambda: self.sql, poolclass=StaticPool)
        self._connection = engine.connect()
        create_everything(self._connection)

    def wipe(self) -> None:
        """Forget the run before."""
        if self.sql.in_transaction:
            self.sql.execute("ROLLBACK")
        self.sql.execute("BEGIN")

    def write(self, work: Work[T]) -> T:
        """Run ``work``: all of it happens, or nothing.

        Raises:
            PermanentError, TransientError: as the real ledger does.
        """
        self.sql.execute("SAVEPOINT work")
        try:
            with _translated(is_reading=False):
                return work(self._connection)
        except BaseException:
            self.sql.execute("ROLLBACK TO work")
            raise
        finally:
            self.sql.execute("RELEASE work")

    def read(self, work: Work[T]) -> T:
        """Run ``work``, which changes nothing."""
        with _translated(is_reading=True):
            return work(self._connection)


@cache
def disk() -> Disk:
    """Return this process's disk."""
    return Disk()


class Line:
    """One process's way to the ledger: it is slow, refuses, and loses the answers of commits that happened.

    A transaction is one step: a process that is killed before it has changed nothing, and one that is killed after
    it never learns that it is committed.
    """

    dialect = "sqlite"

    def __init__(self, name: str, disk: Disk, chances: Chances, log: Log) -> None:
        self._name, self._disk, self._chances, self._log = name, disk, chances, log
        self._in_flight = InFlight()

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._in_flight.run(lambda: loop.create_task(self._write(work)))

    async def read(self, work: Work[T]) -> T:
        await self._travel()
        if self._chances.happens("ledger_refuses"):
            raise TransientError("the ledger is away")
        return self._disk.read(work)

    async def close(self) -> None:
        await self._in_flight.settle()

    async def _write(self, work: Work[T]) -> T:
        await self._travel()
        what = work.__qualname__.replace(".<locals>", "").replace(".<lambda>", "")
        if self._chances.happens("ledger_refuses"):
            self._log.note(self._name, "is refused by the ledger", what)
            raise TransientError("the ledger is away")
        result = self._disk.write(work)
        self._log.note(self._name, "commits", what)
        if self._chances.happens("ledger_answer_lost"):
            self._log.note(self._name, "never hears of its commit", what)
            raise TransientError("the connection was lost in the commit")
        return result

    async def _travel(self) -> None:
        slow = self._chances.happens("ledger_slow")
        await asyncio.sleep(self._chances.rng.expovariate(0.1) if slow else 0)
