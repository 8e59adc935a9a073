"""Processes that read mail and may be killed: a hostile mail costs its process, never the stage.

Many small mails travel in one round trip. Where a batch dies or takes too long, its mails are read again one by
one, each within the limits alone, so that only the guilty one is given up.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError as PoolCancelled
from dataclasses import dataclass

from pebble import ProcessExpired, ProcessPool

from itaca.errors import TransientError
from itaca.mail.model import Envelope, MailText

ReadMail = Callable[[bytes, Envelope], MailText]
"""Reads one mail and never raises; it is sent to the processes, so it must be picklable."""

KILLED = MailText(is_readable=False, defects=("limit:reader_killed",))
"""What is known of a mail whose reading was killed: a person looks."""
FAILED = MailText(is_readable=False, defects=("reader:failed",))
"""What is known of a mail whose reading ended by an error that the reader did not foresee."""

_NICENESS = 10
_READINGS_PER_PROCESS = 2000
"""After so many round trips a process is replaced, so that what a library leaks stays small."""


@dataclass(frozen=True)
class ReaderLimits:
    """Bounds of the reading processes.

    Args:
        processes: how many.
        wall_s: longest time of one round trip.
        cpu_s: CPU of one round trip.
        memory_bytes: address space of a process.
        batch_mails: most mails of one round trip.
        batch_bytes: a round trip takes no further mail once it holds so many bytes.
    """

    processes: int = 1
    wall_s: float = 15.0
    cpu_s: int = 10
    memory_bytes: int = 2048 * 1024 * 1024
    batch_mails: int = 64
    batch_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True)
class Unread:
    """One mail to read."""

    envelope: Envelope
    raw: bytes


class Readers:
    """A pool that starts its processes with the first mail.

    Raises nothing on behalf of a mail: a killed reading is ``KILLED``.
    """

    def __init__(self, read: ReadMail, limits: ReaderLimits) -> None:
        self._read = read
        self._limits = limits
        self._pool: ProcessPool | None = None

    async def read(self, mails: Sequence[Unread]) -> list[MailText]:
        """Return what each mail says, in order.

        Raises:
            TransientError: no process can be started, or the pool is closed.
        """
        batches = list(_batches(mails, self._limits))
        texts = await asyncio.gather(*(self._read_batch(batch) for batch in batches))
        return [text for batch in texts for text in batch]

    async def close(self) -> None:
        """Stop the processes, whatever they do; waits for their end."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(pool.join)

    async def _read_batch(self, batch: Sequence[Unread]) -> list[MailText]:
        texts = await self._round_trip(batch)
        if texts is not None:
            return texts
        if len(batch) == 1:
            return [KILLED]
        return [text for mail in batch for text in await self._read_batch([mail])]

    async def _round_trip(self, batch: Sequence[Unread]) -> list[MailText] | None:
        """Read in a process; None when it was killed, for its time or for its deeds."""
        jobs = [(mail.envelope.model_dump_json(), mail.raw) for mail in batch]
        try:
            future = self._started().schedule(_read_jobs, args=[jobs], timeout=self._limits.wall_s)
            answers = await asyncio.wrap_future(future)
        except (TimeoutError, ProcessExpired):
            return None
        except (RuntimeError, OSError, PoolCancelled) as error:
            # BrokenProcessPool is a RuntimeError: the next call starts another pool.
            await self.close()
            raise TransientError("no mail can be read now") from error
        return [MailText.model_validate_json(answer) for answer in answers]

    def _started(self) -> ProcessPool:
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["itaca.readers", self._module()])
            self._pool = ProcessPool(
                max_workers=self._limits.processes,
                max_tasks=_READINGS_PER_PROCESS,
                initializer=_begin,
                initargs=(self._read, self._limits),
                context=context,
            )
        return self._pool

    def _module(self) -> str:
        return getattr(getattr(self._read, "func", self._read), "__module__", __name__)


def _batches(mails: Sequence[Unread], limits: ReaderLimits) -> list[list[Unread]]:
    """Cut into round trips, in order."""
    batches: list[list[Unread]] = []
    size_bytes = 0
    for mail in mails:
        if not batches or len(batches[-1]) >= limits.batch_mails or size_bytes >= limits.batch_bytes:
            batches.append([])
            size_bytes = 0
        batches[-1].append(mail)
        size_bytes += len(mail.raw)
    return batches


_held: list[tuple[ReadMail, int]] = []
"""In a reading process: what reads, and its CPU seconds."""


def _begin(read: ReadMail, limits: ReaderLimits) -> None:
    """Prepare a reading process: behind the others, bounded memory, no core file, deaf to the terminal's Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Accepting comes first: a burst is taken at full speed and read when there is time.
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    _held[:] = [(read, limits.cpu_s)]


def _read_jobs(jobs: Sequence[tuple[str, bytes]]) -> list[str]:
    """In a reading process: read each and return it as JSON."""
    read, cpu_s = _held[0]
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The limit counts from the birth of the process: it is moved ahead for every round trip.
    soft_s = int(used.ru_utime + used.ru_stime) + cpu_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft_s, resource.RLIM_INFINITY))
    return [_read_one(read, Envelope.model_validate_json(envelope), raw) for envelope, raw in jobs]


def _read_one(read: ReadMail, envelope: Envelope, raw: bytes) -> str:
    try:
        return read(raw, envelope).model_dump_json()
    except MemoryError:
        # What else this process holds is unknown: a fresh one reads the batch again, mail by mail.
        os._exit(1)
    except Exception:  # noqa: BLE001
        # Third-party parsers can raise anything, and one mail must not cost its neighbours their reading.
        return FAILED.model_dump_json()
