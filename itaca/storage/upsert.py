"""INSERT, and INSERT ... ON CONFLICT, which both dialects spell alike and SQLAlchemy keeps in two places."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


@cache
def insert_into(table: Table) -> Insert:
    """Return the INSERT of whole rows; built once, because building takes longer than running."""
    return insert(table)


def dialect_insert(connection: Connection, table: Table) -> PostgresInsert | SqliteInsert:
    """Return an INSERT for the connection's dialect that knows ON CONFLICT."""
    return _insert(connection.dialect.name, table)


def upsert(connection: Connection, table: Table, replace: Sequence[str]) -> PostgresInsert | SqliteInsert:
    """Return an INSERT that replaces the named columns when the primary key is there already."""
    return _upsert(connection.dialect.name, table, tuple(replace))


def insert_new(connection: Connection, table: Table, key: Sequence[str]) -> PostgresInsert | SqliteInsert:
    """Return an INSERT that leaves alone what has the same ``key`` already."""
    return _insert_new(connection.dialect.name, table, tuple(key))


def _insert(dialect: str, table: Table) -> PostgresInsert | SqliteInsert:
    return postgres_insert(table) if dialect == "postgresql" else sqlite_insert(table)


@cache
def _upsert(dialect: str, table: Table, replace: tuple[str, ...]) -> PostgresInsert | SqliteInsert:
    """Return the statement; built once, because building takes longer than running."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in replace},
    )


@cache
def _insert_new(dialect: str, table: Table, key: tuple[str, ...]) -> PostgresInsert | SqliteInsert:
    return _insert(dialect, table).on_conflict_do_nothing(index_elements=[table.c[name] for name in key])
