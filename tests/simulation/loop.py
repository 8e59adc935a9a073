"""An event loop whose time is simulated and whose processes can vanish between any two steps.

Time moves only when nobody has anything to do, straight to the next timer: no real time passes. A process is a
``Life``; every callback carries in its context the life that asked for it. A life that was killed is never called
again: no ``finally``, no ``except``, nothing, exactly as after SIGKILL.
"""

import asyncio
import contextlib
import heapq
import itertools
import sys
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

_LIFE: ContextVar["Life | None"] = ContextVar("life", default=None)
NEVER = 1 << 62
STEP_S = 1e-6
"""Every step takes a moment, so that what happens later is later."""


class Step(asyncio.Handle):
    """A handle that asks nobody whether the loop is debugged: a run makes thousands."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, loop: Any, context: Context | None) -> None:
        self._context = context or copy_context()
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled = False


class DeadlockError(RuntimeError):
    """Everybody waits for somebody, and no timer will ever ring."""


class Life:
    """One incarnation of one process.

    Args:
        dies_at: the step before which it is killed; it counts its own steps only.
    """

    def __init__(self, name: str, dies_at: int = NEVER) -> None:
        self.name = name
        self.dies_at = dies_at
        self.steps = 0
        self.is_dead = False
        self.on_death: list[Callable[[], None]] = []

    def context(self) -> Context:
        """Return a context in which whatever starts belongs to this life."""
        context = Context()
        context.run(_LIFE.set, self)
        return context

    def kill(self) -> None:
        """End it here and now; whoever listens (a broker, a client) sees its connections close."""
        if self.is_dead:
            return
        self.is_dead = True
        for tell in self.on_death:
            tell()


class SimLoop(asyncio.AbstractEventLoop):
    """Just enough of an event loop for the product; deterministic, because nothing outside can reach it."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._tasks: list[asyncio.Task[Any]] = []
        self._is_closed = False
        self.errors: list[str] = []
        """Errors that no one looked at."""

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run until ``main`` is done and return its result.

        Raises:
            DeadlockError: it can never be done.
        """
        events._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._once()
            return task.result()
        finally:
            events._set_running_loop(None)

    def skip(self, seconds: float) -> None:
        """Let time pass in which nobody was given the processor: every timer within it rings late."""
        self._elapsed_s += seconds

    def _once(self) -> None:
        """Let the next timers ring, and call everybody who was ready at that moment."""
        ready, timers = self._ready, self._timers
        if not ready:
            if not timers:
                raise DeadlockError("nothing is left to do")
            self._elapsed_s = max(self._elapsed_s, timers[0][0])
        while timers and timers[0][0] <= self._elapsed_s:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            self._elapsed_s += STEP_S
            if not handle._cancelled and self._may_run(handle._context.get(_LIFE)):
                self._call(handle)

    def _call(self, handle: asyncio.Handle) -> None:
        """Do what ``Handle._run`` does, without its strings."""
        try:
            handle._context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.call_exception_handler({"message": "a callback failed", "exception": error})

    @staticmethod
    def _may_run(life: Life | None) -> bool:
        """Count a step of a life; False when it ends here or has ended."""
        if life is None:
            return True
        life.steps += 1
        if life.steps >= life.dies_at:
            life.kill()
        return not life.is_dead

    def close(self) -> None:
        """Take apart what is left, without letting it do anything."""
        self._is_closed = True
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            for task in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    with contextlib.suppress(RuntimeError):
                        task.get_coro().close()  # type: ignore[union-attr]
            self._tasks.clear()
            self._ready.clear()
            self._timers.clear()
        finally:
            sys.unraisablehook = hook

    def time(self) -> float:
        return self._elapsed_s

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._is_closed

    def is_closed(self) -> bool:
        return self._is_closed

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = Step(callback, args, self, context)
        if not self._is_closed:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._elapsed_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is left where it is and passed over when its time comes."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        # Kept until the end: a task that is freed would run its ``finally`` blocks, which a killed process does not.
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Do the work at once, in the caller's step."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {type(error).__name__}: {error}")


def outside() -> Context:
    """Return a context that belongs to no life: what starts in it survives whoever asked for it."""
    context = copy_context()
    context.run(_LIFE.set, None)
    return context
