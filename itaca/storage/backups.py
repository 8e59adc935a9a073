"""A backup of the ledger while Itaca runs, examined before it counts as one; and an empty place filled from it."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from itaca.errors import PermanentError, TransientError
from itaca.storage import postgres_backup, sqlite_backup
from itaca.storage.address import database_url
from itaca.storage.books import OVERDUE_AFTER_S, Books, balance
from itaca.storage.migrate import newest_version, schema_version

_BEGINNINGS = {"sqlite": b"SQLite format 3\0", "postgresql": b"PGDMP"}


@dataclass(frozen=True)
class Contents:
    """What a backup holds: the number of its schema, and its books; None where an older schema keeps others."""

    schema: str
    books: Books | None


Examine = Callable[[Connection], Contents]


def back_up(url: str, to: Path, now: datetime) -> Contents:
    """Write what the ledger holds at this moment into a new file, readable for its owner only; writers go on.

    SQLite: a database file, checked page by page. PostgreSQL: an archive of pg_dump, and its books counted in the
    very snapshot that was dumped. The file has its name only once it is whole and on the disk.

    Raises:
        PermanentError: the file is there already, there is no ledger, the copy is damaged, or pg_dump says no.
        TransientError: the database is away, or the file cannot be written.
    """
    database = database_url(url)
    if to.exists():
        raise PermanentError(f"{to} is there already")
    with _partial(to) as partial:
        if database.get_backend_name() == "sqlite":
            source = sqlite_backup.existing(Path(str(database.database)))
            sqlite_backup.copy(source, partial)
            contents = sqlite_backup.examined(partial, _examine(now))
        else:
            contents = asyncio.run(postgres_backup.dump(url, partial, _examine(now)))
        _sync(partial)
        partial.rename(to)
        _sync(to.parent)
    return contents


def restore(url: str, backup: Path, now: datetime) -> Contents:
    """Fill the ledger from a backup: a file that is not there yet, or a server's database without tables.

    Nothing is ever replaced, and what fails leaves the place as empty as it was.

    Raises:
        PermanentError: the place is taken, or the file is no backup of this kind, damaged, or of a newer Itaca.
        TransientError: the database is away, or cannot be written.
    """
    database = database_url(url)
    _refuse_other_kinds(backup, database.get_backend_name())
    if database.get_backend_name() == "postgresql":
        _refuse_others(postgres_backup.schema_of(url, backup))
        return asyncio.run(postgres_backup.load(url, backup, _examine(now)))
    target = sqlite_backup.free_place(Path(str(database.database)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with _partial(target) as partial:
        sqlite_backup.copy(backup, partial)
        contents = sqlite_backup.examined(partial, _examine(now))
        _sync(partial)
        # A link fails where somebody made a ledger meanwhile; a renamed file would take its place.
        os.link(partial, target)
        _sync(target.parent)
    return contents


def _examine(now: datetime) -> Examine:
    def work(connection: Connection) -> Contents:
        schema = _refuse_others(schema_version(connection))
        is_ours = schema == newest_version()
        return Contents(schema, balance(connection, now, OVERDUE_AFTER_S) if is_ours else None)

    return work


def _refuse_others(schema: str | None) -> str:
    """Return the schema's number if this Itaca knows it; an older one is upgraded by the next start."""
    if schema is None:
        raise PermanentError("no ledger is in it: neither tables nor the number of their schema")
    if schema > newest_version():
        raise PermanentError(f"it has schema {schema}, this Itaca knows only {newest_version()}: use a newer Itaca")
    return schema


def _refuse_other_kinds(backup: Path, kind: str) -> None:
    try:
        with backup.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise PermanentError(f"{backup} cannot be read: {error.strerror}") from error
    found = next((name for name, mark in _BEGINNINGS.items() if beginning.startswith(mark)), None)
    if found is None:
        raise PermanentError(f"{backup} is no backup that `itaca backup` made")
    if found != kind:
        raise PermanentError(f"{backup} is a backup of {found}, and ITACA_DATABASE_URL names {kind}")


@contextlib.contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give an empty file beside the target that only its owner can read, and remove what is left of it."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield partial
    except FileExistsError as error:
        raise PermanentError(f"{target} is there already") from error
    except OSError as error:
        raise TransientError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
