"""The clocks of the simulation: one monotonic time for all, one wall clock that may jump, skew per process."""

import asyncio
from datetime import datetime, timedelta

from tests.simulation.chances import Chances
from tests.simulation.loop import SimLoop


class Wall:
    """The time of day: the loop's time and all jumps so far."""

    def __init__(self, start: datetime, loop: SimLoop) -> None:
        self._start, self._loop = start, loop
        self._jumps = timedelta(0)

    def now(self) -> datetime:
        return self._start + self._jumps + timedelta(seconds=self._loop.time())

    def jump(self, by: timedelta) -> None:
        """Set the clock: the time of day moves, no time passes."""
        self._jumps += by


class ProcessClock:
    """What one process knows of time: the common clock with a skew of its own; it never sleeps too short."""

    def __init__(self, wall: Wall, loop: SimLoop, chances: Chances, skew: timedelta = timedelta(0)) -> None:
        self._wall, self._loop, self._chances, self._skew = wall, loop, chances, skew

    def now(self) -> datetime:
        return self._wall.now() + self._skew

    def monotonic_s(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep at least so long; longer when the machine is busy."""
        if self._chances.happens("sleeps_late"):
            seconds += self._chances.rng.expovariate(0.2)
        await asyncio.sleep(seconds)
