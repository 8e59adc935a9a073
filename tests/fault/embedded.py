"""Faults of the embedded default: its one file locked, taken away, or on a disk without room."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.fault.site import Site

DISK_BYTES = 64 * 1024 * 1024


class NotPossibleError(Exception):
    """This machine does not allow the fault; the text says why."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a small file system of its own below the folder; the plain folder where that needs more rights."""
    disk = folder / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "itaca-faults", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True).returncode != 0:
        yield disk
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


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
        NotPossibleError: it is no small file system of its own, because mounting one needs root.
    """
    folder = _file(site).parent
    if shutil.disk_usage(folder).total > DISK_BYTES:
        raise NotPossibleError("a small file system of its own needs root to be mounted")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    await asyncio.sleep(seconds)
    ballast.unlink()


def _file(site: Site) -> Path:
    return Path(site.deployment.ledger_url.removeprefix("sqlite:///"))
