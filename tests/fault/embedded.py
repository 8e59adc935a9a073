"""Faults of the embedded default: its one file locked, taken away, or on a disk without room."""

import asyncio
import sqlite3
from pathlib import Path

from tests.fault.disks import filled
from tests.fault.site import Site


async def locked(site: Site, seconds: float) -> None:
    """Hold the file's lock as another process would."""
    other = sqlite3.connect(_file(site), isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    try:
        await asyncio.sleep(seconds)
    finally:
        other.execute("ROLLBACK")
        other.close()


async def taken_away(site: Site, seconds: float) -> None:
    """Rename the file under the running process, and give it back."""
    away = _file(site).with_name("away.db")
    _file(site).rename(away)
    await asyncio.sleep(seconds)
    away.rename(_file(site))


async def disk_full(site: Site, seconds: float) -> None:
    """Fill the file system on which the ledger lies, to the last byte.

    Raises:
        NotPossibleError: it is no small file system of its own.
    """
    with filled(site.deployment.folder):
        await asyncio.sleep(seconds)


def _file(site: Site) -> Path:
    return Path(site.deployment.ledger_url.removeprefix("sqlite:///"))
