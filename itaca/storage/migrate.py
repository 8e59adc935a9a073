"""Bring a database to the shape this version of Itaca knows; safe when several processes start at once."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from itaca.errors import ConfigurationError, TransientError
from itaca.storage.address import database_url
from itaca.storage.postgres import PostgresLimits, postgres_engine
from itaca.storage.sqlite import sqlite_engine

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x17ACA
_WAIT_S = 60.0
_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps the running migration in module globals, so two threads of one process must take turns."""


async def upgrade(url: str) -> None:
    """Create the database's file if it is one, and run the steps that are missing; nothing when none is.

    Several processes may call it at once: the first holds a lock of the database (an advisory lock on
    PostgreSQL, BEGIN IMMEDIATE on SQLite, at most 60 s), the others find nothing left to do. A step that fails
    leaves the database as it was.

    Raises:
        ConfigurationError: the database was made by a newer Itaca, or the URL names no database we know.
        TransientError: the database is away or locked for too long.
    """
    parsed = database_url(url)
    try:
        if parsed.get_backend_name() == "postgresql":
            await asyncio.to_thread(_in_its_own_loop, url)
        elif parsed.database and parsed.database != ":memory:":
            await asyncio.to_thread(_upgrade_file, Path(parsed.database))
    except (SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise TransientError(f"the database cannot be upgraded now: {type(error).__name__}") from error


def schema_problem(connection: Connection) -> str:
    """Return a sentence that names both versions when the schema is not ours, and nothing when it is."""
    ours = newest_version()
    theirs = schema_version(connection)
    if theirs == ours:
        return ""
    if theirs is None:
        return f"the database has no ledger yet, this Itaca needs schema {ours}: run `itaca up` once to create it"
    if theirs > ours:
        return f"the database has schema {theirs}, this Itaca knows only {ours}: use a newer Itaca"
    return f"the database has schema {theirs}, this Itaca needs {ours}: run `itaca up` once to upgrade it"


def schema_version(connection: Connection) -> str | None:
    """Return the number of the last step that this database has taken, None where there is no ledger."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    """Return the number of the last step that this Itaca knows, such as ``0001``."""
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def alembic_config(connection: Connection | None = None) -> Config:
    """Return a configuration without a file, for a connection already in its transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _run_steps(connection: Connection) -> None:
    problem = schema_problem(connection)
    if "knows only" in problem:
        raise ConfigurationError([f"ITACA_DATABASE_URL: {problem}"])
    if problem:
        command.upgrade(alembic_config(connection), "head")


def _upgrade_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # It holds what customers write: its owner's alone to read. SQLite gives its log the same rights.
        path.touch(0o600)
    with _ONE_AT_A_TIME, contextlib.closing(sqlite3.connect(path, timeout=_WAIT_S)) as created:
        created.execute("PRAGMA journal_mode=WAL")
        engine = sqlite_engine(path, _WAIT_S, begin="BEGIN IMMEDIATE")
        try:
            with engine.begin() as connection:
                _run_steps(connection)
        finally:
            engine.dispose()


def _in_its_own_loop(url: str) -> None:
    with _ONE_AT_A_TIME:
        asyncio.run(_upgrade_server(url))


async def _upgrade_server(url: str) -> None:
    limits = PostgresLimits(connections=1, statement_timeout_s=0, lock_timeout_s=0, transaction_timeout_s=0)
    engine = postgres_engine(url, limits)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            await connection.run_sync(_run_steps)
    finally:
        await engine.dispose()
