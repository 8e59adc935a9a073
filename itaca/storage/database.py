"""One door to SQLite and PostgreSQL: a transaction is a plain function of a connection.

A function given to ``write`` or ``read`` is ordinary synchronous SQLAlchemy Core and runs unchanged on both:
in a thread of its own for SQLite, through asyncpg for PostgreSQL. It may run twice (a serialisation failure is
tried again), so it must do nothing but talk to the connection it is given.

Locks are taken in one order, so that on PostgreSQL no two transactions wait for each other: unsettled mails, writers
by their names (``standing.lock_writers``), cases with the newest first, and then what belongs to a case.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Work = Callable[[Connection], T]


class Database(Protocol):
    """What a stage may ask of the ledger's database."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction and return its result after the commit is durable.

        Cancelling the caller does not cancel the transaction: it is finished in the background, and ``close``
        waits for it.

        Raises:
            TransientError: the database is away, busy or full; the transaction may or may not have happened
                (a commit whose answer was lost), so ``work`` must be safe to repeat.
            PermanentError: the schema refuses it (a constraint or a trigger); nothing happened.
        """
        ...

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on a snapshot and return its result; writing in it is an error.

        Raises:
            TransientError: the database is away or busy.
        """
        ...

    async def close(self) -> None:
        """Wait for every transaction in flight, then let go of all connections."""
        ...


class InFlight:
    """Work that no peer can cancel: it runs in tasks of its own, and ``settle`` waits for all of them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, start: Callable[[], "asyncio.Task[T]"]) -> T:
        """Start the task and wait for it behind a shield."""
        task = start()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait until nothing is in flight; errors were the callers' to see."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
