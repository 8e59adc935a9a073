"""A Pareto plot made on the server: what costs most comes first, a line adds up the shares."""

from collections.abc import Sequence
from dataclasses import dataclass

from itaca.cases.value import Bar

WIDTH, HEIGHT = 480, 200
"""Size of the drawing area in units of the picture, without its axis."""
MOST_BARS = 12


@dataclass(frozen=True)
class Column:
    """One stacked column, in units of the picture: answers below, the contacts they cost above."""

    number: int
    name: str
    x: float
    width: float
    answers_y: float
    answers_height: float
    contacts_y: float
    contacts_height: float
    answers: int
    contacts: int


@dataclass(frozen=True)
class ParetoPlot:
    """The columns, and the line of cumulative shares as SVG points; ``most`` is the tallest column's cost."""

    columns: tuple[Column, ...]
    line: tuple[tuple[float, float], ...]
    most: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def points(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.line)


def pareto_plot(bars: Sequence[Bar]) -> ParetoPlot:
    """Return the plot of bars that are ranked already; at most 12 of them."""
    shown = bars[:MOST_BARS]
    most = max((bar.answers + bar.contacts for bar in shown), default=0)
    step = WIDTH / max(len(shown), 4)
    columns, line = [], []
    for position, bar in enumerate(shown):
        answers, contacts = (HEIGHT * count / most for count in (bar.answers, bar.contacts))
        left, wide = position * step + step * 0.15, step * 0.7
        top = HEIGHT - answers
        columns.append(
            Column(
                position + 1,
                bar.name,
                left,
                wide,
                top,
                answers,
                top - contacts,
                contacts,
                bar.answers,
                bar.contacts,
            )
        )
        line.append((position * step + step / 2, HEIGHT * (1 - bar.cumulative)))
    return ParetoPlot(tuple(columns), tuple(line), most)
