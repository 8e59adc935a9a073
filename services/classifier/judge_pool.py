"""Judgement in worker processes that can be killed: with limits on time and memory, and a model that may change.

One pool serves one model. When ``models/current`` changes, a pool for the new model is opened and warmed
first; then it takes the next batch, and the old pool is closed when its last batch has come back. So every
mail is judged by exactly one version.
"""

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path

import structlog
from pebble import ProcessExpired, ProcessPool

from itaca.contracts.events import Judgement, WrittenText
from itaca.errors import PermanentError
from services.classifier.judge import Unjudged
from services.classifier.model import Pin, read_pin
from services.classifier.settings import ClassifierSettings
from services.classifier.verdicts import without_model
from services.classifier.worker import judge_texts, open_model, prepare_worker

log = structlog.get_logger()
_OPEN_TIMEOUT_S = 60.0
LOOKS_BETWEEN_TRIES = 30
"""How often ``current`` is looked at before a refused model is tried again."""
_LOST = (ProcessExpired, FutureTimeoutError, MemoryError)

Work = Callable[[Path, Pin, Sequence[WrittenText]], list[Judgement]]
"""What a worker does with a batch."""


class PinnedPool:
    """Workers that judge with one model."""

    def __init__(self, settings: ClassifierSettings, pin: Pin, work: Work = judge_texts) -> None:
        self.pin = pin
        self._work = work
        self._settings = settings
        self._in_flight = 0
        self._pool = ProcessPool(
            max_workers=settings.workers,
            context=multiprocessing.get_context("spawn"),
            initializer=prepare_worker,
            initargs=(settings.worker_memory_mib,),
        )

    async def open(self) -> None:
        """Load the model in a worker.

        Raises:
            PermanentError: the model is refused, or its worker died.
        """
        future = self._pool.schedule(open_model, args=(self._models_dir, self.pin), timeout=_OPEN_TIMEOUT_S)
        try:
            await asyncio.wrap_future(future)
        except _LOST as error:
            raise PermanentError(f"the worker that loaded model {self.pin.version} ended: {_cause(error)}") from error

    async def judge(self, texts: Sequence[WrittenText]) -> list[Judgement | Unjudged]:
        """Judge together; if the worker is lost, judge each text alone.

        Raises:
            PermanentError: a worker that was started again found the model changed on the disk.
        """
        self._in_flight += 1
        try:
            try:
                return list(await self._run(texts, self._settings.judge_timeout_s))
            except _LOST as error:
                log.warning("classifier.worker_lost", mails=len(texts), cause=_cause(error))
            return [await self._judge_alone(text) for text in texts]
        finally:
            self._in_flight -= 1

    async def _judge_alone(self, text: WrittenText) -> Judgement | Unjudged:
        try:
            return (await self._run([text], self._settings.mail_timeout_s))[0]
        except _LOST as error:
            return Unjudged(f"judging this mail ended its worker: {_cause(error)}")

    async def _run(self, texts: Sequence[WrittenText], timeout_s: float) -> list[Judgement]:
        arguments = (self._models_dir, self.pin, list(texts))
        return await asyncio.wrap_future(self._pool.schedule(self._work, args=arguments, timeout=timeout_s))

    @property
    def is_idle(self) -> bool:
        return self._in_flight == 0

    def close(self) -> None:
        """End the workers; nothing may be in flight."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    @property
    def _models_dir(self) -> Path:
        return self._settings.models_dir


def _cause(error: BaseException) -> str:
    """Return what happened to a worker, without any content of the mail."""
    match error:
        case FutureTimeoutError():
            return "out of time"
        case MemoryError():
            return "out of memory"
        case ProcessExpired():
            return f"exit code {error.exitcode}"
        case _:
            return type(error).__name__


class JudgePool:
    """A judge that follows ``models/current``; see the module for how it changes over."""

    def __init__(self, settings: ClassifierSettings, work: Work = judge_texts) -> None:
        self._settings = settings
        self._work = work
        self._pool: PinnedPool | None = None
        self._leaving: list[PinnedPool] = []
        self._problem = "the model is not loaded yet"
        self._refused: Pin | None = None
        self._looks = 0

    async def start(self) -> None:
        """Load the promoted model; a refusal is no error here, it shows in ``problems``."""
        await self.follow()

    async def follow(self) -> None:
        """Look once whether another model is promoted and change over to it; called once a second."""
        await self._close_idle()
        try:
            pin = await asyncio.to_thread(read_pin, self._settings.models_dir)
        except PermanentError as error:
            self._refuse(None, str(error))
            return
        if self._pool is not None and pin == self._pool.pin:
            self._problem, self._refused = "", None
        elif pin != self._refused or self._is_time_to_try_again():
            await self._change_to(pin)

    def _is_time_to_try_again(self) -> bool:
        """A refused model may have been restored in its place: look again now and then, not every second."""
        self._looks += 1
        return self._looks % LOOKS_BETWEEN_TRIES == 0

    async def _change_to(self, pin: Pin) -> None:
        fresh = PinnedPool(self._settings, pin, self._work)
        try:
            await fresh.open()
        except PermanentError as error:
            await asyncio.to_thread(fresh.close)
            self._refuse(pin, str(error))
            return
        if self._pool is not None:
            self._leaving.append(self._pool)
        self._pool, self._problem, self._refused = fresh, "", None
        log.info("classifier.model_loaded", model=pin.version)

    def _refuse(self, pin: Pin | None, reason: str) -> None:
        """Remember why a model is refused; a good one that is in use already stays in use."""
        if reason != self._problem:
            log.error("classifier.model_refused", reason=reason)
        self._refused = pin
        self._problem = reason

    async def judge(self, texts: Sequence[WrittenText]) -> list[Judgement | Unjudged]:
        """See ``Judge.judge``; without a model every text is answered by ``without_model``."""
        pool = self._pool
        if pool is None:
            return [without_model(self._problem) for _ in texts]
        try:
            return await pool.judge(texts)
        except PermanentError as error:
            self._refuse(pool.pin, str(error))
            if pool is self._pool:
                self._leaving.append(pool)
                self._pool = None
            return [without_model(str(error)) for _ in texts]

    def problems(self) -> Sequence[str]:
        return (self._problem,) if self._problem else ()

    @property
    def version(self) -> str:
        """Return the model in use, ``none`` without one."""
        return self._pool.pin.version if self._pool is not None else "none"

    async def _close_idle(self) -> None:
        for pool in [pool for pool in self._leaving if pool.is_idle]:
            self._leaving.remove(pool)
            await asyncio.to_thread(pool.close)

    async def close(self) -> None:
        """End all workers."""
        for pool in [*self._leaving, *([self._pool] if self._pool else [])]:
            await asyncio.to_thread(pool.close)
        self._leaving, self._pool = [], None
