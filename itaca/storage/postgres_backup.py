"""PostgreSQL's own tools, pg_dump and pg_restore: called without a password where others could read it."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, inspect

from itaca.errors import PermanentError
from itaca.storage.address import database_url
from itaca.storage.postgres import PostgresDatabase, PostgresLimits

T = TypeVar("T")
_DAY_S = 86_400.0
_LIMITS = PostgresLimits(
    connections=1, statement_timeout_s=_DAY_S, lock_timeout_s=_DAY_S, transaction_timeout_s=_DAY_S, attempts=1
)
_ALIKE = ("--no-owner", "--no-privileges")


async def dump(url: str, to: Path, examine: Callable[[Connection], T]) -> T:
    """Write an archive of the whole database, and return what ``examine`` finds in the same snapshot.

    Raises:
        PermanentError: pg_dump is missing or refuses, or what ``examine`` raises.
        TransientError: the server is away.
    """

    def work(connection: Connection) -> T:
        found = examine(connection)
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        _run(url, "pg_dump", "--format=custom", f"--snapshot={snapshot}", *_ALIKE, "--file", str(to))
        return found

    database = PostgresDatabase(url, _LIMITS)
    try:
        return await database.read(work)
    finally:
        await database.close()


def schema_of(url: str, backup: Path) -> str | None:
    """Return the number of the schema in an archive, None if it holds no ledger.

    Raises:
        PermanentError: pg_restore is missing or cannot read the archive.
    """
    said = _run(url, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(backup))
    found = re.search(r"^\d{4}$", said, re.MULTILINE)
    return found[0] if found else None


async def load(url: str, backup: Path, examine: Callable[[Connection], T]) -> T:
    """Fill a database without tables from an archive, all of it or nothing, and return what ``examine`` finds then.

    Raises:
        PermanentError: the database has tables, pg_restore is missing or refuses, or what ``examine`` raises.
        TransientError: the server is away.
    """
    database = PostgresDatabase(url, _LIMITS)
    try:
        tables = await database.read(lambda connection: inspect(connection).get_table_names())
        if tables:
            raise PermanentError("the database holds tables already: make an empty one and name it")
        _run(
            url, "pg_restore", "--exit-on-error", "--single-transaction", *_ALIKE, "--dbname", _name(url), str(backup)
        )
        # The archive holds no statistics, and without them the first hour's plans are poor.
        await database.write(lambda connection: connection.exec_driver_sql("ANALYZE").close())
        return await database.read(examine)
    finally:
        await database.close()


def _run(url: str, program: str, *arguments: str) -> str:
    """Run one of the two tools on the database and return what it printed."""
    try:
        done = subprocess.run(  # noqa: S603 - the programs are two, and the arguments ours
            [program, "--no-password", *arguments], env=os.environ | _place(url), capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise PermanentError(
            f"{program} is missing: install PostgreSQL's client (Debian: postgresql-client), as new as the server"
        ) from error
    if done.returncode:
        raise PermanentError(done.stderr.strip() or f"{program} ended with {done.returncode}")
    return done.stdout


def _place(url: str) -> dict[str, str]:
    """Return the environment that tells the tools where the database is (PostgreSQL manual, libpq-envars)."""
    parsed = database_url(url)
    given = {
        "PGHOST": parsed.host or parsed.query.get("host"),
        "PGPORT": parsed.port or parsed.query.get("port"),
        "PGUSER": parsed.username,
        "PGPASSWORD": parsed.password,
        "PGDATABASE": _name(url),
        "PGSSLMODE": parsed.query.get("ssl"),
    }
    return {name: str(value) for name, value in given.items() if value}


def _name(url: str) -> str:
    return database_url(url).database or ""
