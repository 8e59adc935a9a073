"""What was accepted and waits for its reading: bounded, because the watch drives later what is dropped here."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from itaca.dispatch import Arrival


class Dispatching(Protocol):
    """What the queue asks of ``itaca.dispatch.Dispatcher``."""

    async def dispatch(self, arrivals: Sequence[Arrival]) -> int: ...

    def leave_to_watch(self, mails: int, reason: str) -> None: ...

    async def close(self) -> None: ...


class DispatchQueue:
    """Hands all that is at hand to the dispatcher, window after window, in order of acceptance."""

    def __init__(self, dispatcher: Dispatching, max_mails: int, max_bytes: int, window_mails: int = 128) -> None:
        self._dispatcher = dispatcher
        self._max_mails, self._max_bytes, self._window_mails = max_mails, max_bytes, window_mails
        self._waiting: deque[Arrival] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def offer(self, arrival: Arrival) -> None:
        """Take the mail, or leave it to the watch when too much waits; never blocks."""
        if len(self._waiting) >= self._max_mails or self._waiting_bytes + len(arrival.raw) > self._max_bytes:
            self._dispatcher.leave_to_watch(1, "queue")
            return
        self._waiting.append(arrival)
        self._waiting_bytes += len(arrival.raw)
        self._is_idle.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._dispatcher.dispatch(self._window())
            self._is_idle.set()

    async def drain(self, limit_s: float) -> None:
        """Wait until nothing waits, at most ``limit_s`` seconds; the rest is the watch's."""
        try:
            async with asyncio.timeout(limit_s):
                await self._is_idle.wait()
        except TimeoutError:
            self._dispatcher.leave_to_watch(len(self._waiting), "shutdown")

    async def close(self) -> None:
        """Stop the dispatcher, which is the queue's own."""
        await self._dispatcher.close()

    def _window(self) -> list[Arrival]:
        window = [self._waiting.popleft() for _ in range(min(self._window_mails, len(self._waiting)))]
        self._waiting_bytes -= sum(len(arrival.raw) for arrival in window)
        return window
