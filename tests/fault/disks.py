"""Disks without room: a small file system of its own, filled to the last byte for a while."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

DISK_BYTES = 64 * 1024 * 1024


class NotPossibleError(Exception):
    """This machine does not allow the fault; the text says why."""


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int = DISK_BYTES) -> Iterator[Path]:
    """Give a small file system of its own below the folder; a plain folder where mounting one needs more rights."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "itaca-faults", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True).returncode != 0:
        yield disk
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave not a byte free on a small disk during the block.

    Raises:
        NotPossibleError: it is a folder of the machine's own disk, because mounting one needs root.
    """
    if not disk.is_mount():
        raise NotPossibleError("a small file system of its own needs root to be mounted")
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        yield
    finally:
        ballast.unlink()
