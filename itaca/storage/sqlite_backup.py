"""A copy of a SQLite ledger as it is at one moment; the file alone would lack what is in its log, or be torn."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.pool import NullPool

from itaca.errors import PermanentError, TransientError

T = TypeVar("T")


def existing(ledger: Path) -> Path:
    """Return the ledger's path.

    Raises:
        PermanentError: there is none.
    """
    if not ledger.exists():
        raise PermanentError(f"there is no ledger at {ledger}")
    return ledger


def free_place(ledger: Path) -> Path:
    """Return the path at which a ledger may be restored.

    Raises:
        PermanentError: a ledger is there, or a log of one, which SQLite would apply to whatever stands beside it.
    """
    for name in ("", "-wal", "-shm", "-journal"):
        taken = ledger.with_name(ledger.name + name)
        if taken.exists():
            raise PermanentError(
                f"{taken} is there already: stop Itaca and move it away first, it may hold what the backup does not"
            )
    return ledger


def copy(source: Path, to: Path) -> None:
    """Copy everything that is committed into an empty file, in one reading transaction; writers go on.

    The copy is one file without a log (sqlite.org/lang_vacuum.html: it is not synced; the caller does that).

    Raises:
        PermanentError: the source is no database, or damaged.
        TransientError: the copy cannot be written.
    """
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(to.absolute()),))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise PermanentError(f"{source} is damaged: {error}") from error
        raise TransientError(f"{source} cannot be copied: {error}") from error


def examined(file: Path, work: Callable[[Connection], T]) -> T:
    """Check every page, index and reference of a copy, and return what the work finds in it.

    Raises:
        PermanentError: it is damaged.
    """
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            damage = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(1)") if row[0] != "ok"]
            damage += [
                f"a row of {row[0]} refers to nothing"
                for row in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(1)
            ]
            if damage:
                raise PermanentError(f"the ledger is damaged: {damage[0]}")
            return work(connection)
    finally:
        engine.dispose()
