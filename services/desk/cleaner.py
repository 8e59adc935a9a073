"""Mail is cleaned and taken apart in a process that may be killed: a hostile mail costs its view, never the desk."""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import CancelledError as PoolCancelled
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from itaca.mail.read import extract_attachments
from itaca.mail.safe_html import safe_html_of

R = TypeVar("R")
_MEMORY_BYTES = 1536 * 1024 * 1024
_TASKS_PER_PROCESS = 200


class Cleaner:
    """One process, started by the first mail; what takes too long or dies gives nothing.

    Args:
        wall_s: longest work on one mail.
    """

    def __init__(self, wall_s: float) -> None:
        self._wall_s = wall_s
        self._pool: ProcessPool | None = None

    async def html(self, raw: bytes) -> str | None:
        """Return what may be shown of the HTML of a mail; None where it has none, or none that can be shown."""
        return await self._run(safe_html_of, raw)

    async def file(self, raw: bytes, position: int) -> tuple[str, bytes] | None:
        """Return name and bytes of one file of a mail, as it came."""
        return await self._run(_file, raw, position)

    async def close(self) -> None:
        """Stop the process, whatever it does; waits for its end."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(pool.join)

    async def _run(self, work: Callable[..., R], *arguments: object) -> R | None:
        try:
            future = self._started().schedule(work, args=list(arguments), timeout=self._wall_s)
            result: R = await asyncio.wrap_future(future)
        except (TimeoutError, ProcessExpired, MemoryError):
            return None
        except (RuntimeError, OSError, PoolCancelled):
            # BrokenProcessPool is a RuntimeError: the next call starts another pool.
            await self.close()
            return None
        return result

    def _started(self) -> ProcessPool:
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([__name__])
            self._pool = ProcessPool(max_workers=1, max_tasks=_TASKS_PER_PROCESS, initializer=_begin, context=context)
        return self._pool


def _begin() -> None:
    """Prepare the process: behind the others, bounded memory, no core file, deaf to the terminal's Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _file(raw: bytes, position: int) -> tuple[str, bytes] | None:
    files = extract_attachments(raw)
    if not 0 <= position < len(files):
        return None
    attachment, data = files[position]
    return attachment.name, data
