"""Plots made on the server: numbers in, the places of bars out; the template draws them as SVG."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from itaca.contracts.intents import MailOutcome

WIDTH, HEIGHT = 720, 200
"""Size of the drawing area in units of the picture, without its axis."""
_HOURS = 24
_ORDER = (MailOutcome.CASE, MailOutcome.REVIEW, MailOutcome.NOTED, MailOutcome.FILED, None)


@dataclass(frozen=True)
class Bar:
    """One piece of a column, in units of the picture; ``kind`` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    hour: int
    count: int


@dataclass(frozen=True)
class Plot:
    """Stacked columns, one for each hour. ``most`` is the tallest column's count."""

    bars: tuple[Bar, ...]
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def columns(by_hour: Mapping[int, Counter[MailOutcome | None]]) -> Plot:
    """Return one stacked column for each hour of a day."""
    most = max((sum(counts.values()) for counts in by_hour.values()), default=0)
    step = WIDTH / _HOURS
    bars: list[Bar] = []
    for hour, counts in sorted(by_hour.items()):
        top = float(HEIGHT)
        for outcome in _ORDER:
            count = counts[outcome]
            if count:
                height = HEIGHT * count / most
                top -= height
                kind = outcome.value if outcome else "waiting"
                bars.append(Bar(hour * step + 3, top, step - 6, height, kind, hour, count))
    return Plot(tuple(bars), most)
