"""PostgreSQL through asyncpg: each transaction runs in a task of its own that no peer can cancel.

A connection on which anything unforeseen happened is closed, never handed to the next transaction: after a
cancellation a driver may keep a hidden outer transaction, and later commits would vanish (sqlalchemy#13381).
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from itaca.errors import ConfigurationError, ItacaError, PermanentError, TransientError
from itaca.storage.database import InFlight, Work

T = TypeVar("T")

_FAILURES = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_DURABLE = ("synchronous_commit", "fsync", "full_page_writes")
_SERIALISATION = {"40001", "40P01"}
_RACES = {"23505", "23503"}
"""Unique and foreign key violations may be a race that the same work, run again, sees and avoids."""
_READ_ONLY = "25006"


@dataclass(frozen=True)
class PostgresLimits:
    """How long and how often; seconds where the name says so."""

    connections: int = 8
    connect_timeout_s: float = 5.0
    statement_timeout_s: float = 15.0
    lock_timeout_s: float = 10.0
    transaction_timeout_s: float = 25.0
    attempts: int = 4
    pause_s: float = 0.02


PATIENT = PostgresLimits(connections=1, statement_timeout_s=3600.0, transaction_timeout_s=3600.0)
"""For a person who waits at the command line: an audit reads all of a large ledger, which takes minutes."""


class PostgresDatabase:
    """A ledger on a PostgreSQL server.

    Args:
        url: ``postgresql+asyncpg://user:password@host:port/name``; it is never part of an error's text.
        limits: pool size, timeouts and retries.
        rng: spreads the pauses before a retry.
    """

    dialect = "postgresql"

    def __init__(self, url: str, limits: PostgresLimits | None = None, rng: random.Random | None = None) -> None:
        self._limits = limits or PostgresLimits()
        self._rng = rng or random.Random()
        self._engine = postgres_engine(url, self._limits)
        self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._in_flight = InFlight()

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._in_flight.run(lambda: loop.create_task(self._repeat(self._engine, work)))

    async def read(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._in_flight.run(lambda: loop.create_task(self._repeat(self._reading, work)))

    async def close(self) -> None:
        await self._in_flight.settle()
        with contextlib.suppress(*_FAILURES):
            await self._engine.dispose()

    async def check_durability(self) -> None:
        """Ask the server whether a commit survives a power cut.

        Raises:
            ConfigurationError: one of its settings says no.
            TransientError: the server is away.
        """
        found = await self.read(_durability)
        problems = [
            f"ITACA_DATABASE_URL: the server runs with {name}={value}: mail that was accepted could be lost "
            f"in a power cut; set {name}=on"
            for name, value in found.items()
            if value in ("off", "local")
        ]
        if problems:
            raise ConfigurationError(problems)

    async def _repeat(self, engine: AsyncEngine, work: Work[T]) -> T:
        """Run the transaction, again a few times when it lost a race; pauses double and are jittered."""
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._once(engine, work)
            except _FAILURES as error:
                state = _sqlstate(error)
                if state not in _SERIALISATION | _RACES or attempt == self._limits.attempts:
                    _raise_translated(error, state, is_reading=engine is self._reading)
            await asyncio.sleep(self._limits.pause_s * 2**attempt * self._rng.uniform(0.5, 1.5))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, engine: AsyncEngine, work: Work[T]) -> T:
        async with asyncio.timeout(self._limits.transaction_timeout_s):
            connection = await engine.connect()
            try:
                async with connection.begin():
                    result = await connection.run_sync(work)
            except BaseException as error:
                await self._discard_unless_clean(connection, error)
                raise
            await connection.close()
            return result

    @staticmethod
    async def _discard_unless_clean(connection: AsyncConnection, error: BaseException) -> None:
        """Return the connection after an error that left it in a known state; close it for good otherwise."""
        is_clean = isinstance(error, ItacaError) or (_sqlstate(error) or "")[:2] in ("23", "40", "P0")
        with contextlib.suppress(*_FAILURES):
            if not is_clean:
                await connection.invalidate()
            await connection.close()


def postgres_engine(url: str, limits: PostgresLimits) -> AsyncEngine:
    """Return an engine with every wait bounded and each session's commits durable.

    ``synchronous_commit`` travels with the start of each session, where it overrides what a role or a database
    has as its default: as safe as SET LOCAL in each transaction, without the round trip.
    """
    milliseconds = {
        "statement_timeout": limits.statement_timeout_s,
        "lock_timeout": limits.lock_timeout_s,
        "idle_in_transaction_session_timeout": limits.transaction_timeout_s,
    }
    settings = {name: str(int(seconds * 1000)) for name, seconds in milliseconds.items()}
    return create_async_engine(
        url,
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.transaction_timeout_s,
        hide_parameters=True,
        connect_args={
            "timeout": limits.connect_timeout_s,
            "server_settings": {"application_name": "itaca", "synchronous_commit": "on", **settings},
        },
    )


def _durability(connection: Connection) -> dict[str, str]:
    return {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in _DURABLE}


def _sqlstate(error: BaseException) -> str | None:
    origin = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(origin, "sqlstate", None)
    return state if isinstance(state, str) else None


def _raise_translated(error: Exception, state: str | None, is_reading: bool) -> NoReturn:
    """Raise again-later or never; the text names a SQLSTATE or a class, never a value, address or password."""
    name = state or type(error).__name__
    if is_reading and state == _READ_ONLY:
        raise PermanentError("a transaction that only reads tried to write") from error
    if state is not None and state[:2] in ("22", "23", "P0"):
        raise PermanentError(f"the ledger refuses it (SQLSTATE {name})") from error
    raise TransientError(f"the database cannot do it now ({name})") from error
