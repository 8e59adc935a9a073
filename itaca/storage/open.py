"""From a URL to a ledger: the only place that chooses between the two databases."""

import asyncio
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_mock_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import ExecutableDDLElement

from itaca.errors import ConfigurationError
from itaca.storage.address import database_url
from itaca.storage.database import Database
from itaca.storage.migrate import schema_problem
from itaca.storage.postgres import PostgresDatabase, PostgresLimits
from itaca.storage.sqlite import SqliteDatabase
from itaca.storage.tables import metadata
from itaca.storage.triggers import create_triggers


async def open_database(url: str, limits: PostgresLimits | None = None) -> Database:
    """Open the ledger and check that it is ours and durable; ``itaca.storage.migrate.upgrade`` comes first.

    ``sqlite:///var/itaca.db`` is a file, ``sqlite://`` a private ledger in memory that is complete at once,
    ``postgresql+asyncpg://user@host/name`` a server. A missing file is never replaced by an empty one.

    Raises:
        ConfigurationError: the URL names no database we know, the schema is another version's, or the server
            does not keep its commits.
        TransientError: the database is away; wait and try again.
    """
    parsed = database_url(url)
    if parsed.get_backend_name() == "postgresql":
        return await _open_server(url, limits)
    if parsed.database in (None, "", ":memory:"):
        database = SqliteDatabase(None)
        await database.write(create_everything)
        return database
    return await _open_file(Path(str(parsed.database)))


def create_everything(connection: Connection) -> None:
    """Create tables and triggers as they are now, without the steps that led there; for a ledger in memory."""
    for statement in _definitions():
        connection.exec_driver_sql(statement)
    create_triggers(connection)


@cache
def _definitions() -> tuple[str, ...]:
    """Return what makes every table and index in SQLite; spelled once, because spelling takes longer than making."""
    spelled: list[str] = []

    def spell(made: ExecutableDDLElement, *_: object) -> None:
        spelled.append(str(made.compile(dialect=sqlite.dialect())))

    metadata.create_all(create_mock_engine("sqlite://", spell), checkfirst=False)
    return tuple(spelled)


async def _open_server(url: str, limits: PostgresLimits | None) -> Database:
    database = PostgresDatabase(url, limits)
    try:
        await database.check_durability()
        await _refuse_other_schemas(database)
    except BaseException:
        await database.close()
        raise
    return database


async def _open_file(path: Path) -> Database:
    database = await asyncio.to_thread(_open_existing, path)
    try:
        await _refuse_other_schemas(database)
    except BaseException:
        await database.close()
        raise
    return database


def _open_existing(path: Path) -> SqliteDatabase:
    if not path.exists():
        there = f"there is no ledger at {path}"
        raise ConfigurationError(
            [f"ITACA_DATABASE_URL: {there}: run `itaca up` once to make it, or set ITACA_DATA_DIR to where it is"]
        )
    return SqliteDatabase(path)


async def _refuse_other_schemas(database: Database) -> None:
    problem = await database.read(schema_problem)
    if problem:
        raise ConfigurationError([f"ITACA_DATABASE_URL: {problem}"])
