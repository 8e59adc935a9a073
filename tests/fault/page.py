"""The table of ``docs/reliability.md``: written by the runner, row by row, and read by a test."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.fault.measuring import Figures
from tests.fault.rows import FAULTS, Fault

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
START, END = "<!-- generated: make faults -->", "<!-- end of what make faults wrote -->"
_HEAD = (
    "| row | fault | accepted | settled | lost | duplicates | put off | seconds to recover |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)
_ROW = re.compile(r"^\| (?P<id>\S+) \| (?P<does>.+?) \| (?P<figures>.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Written:
    """One row as it stands on the page; figures are texts."""

    id: str
    does: str
    figures: tuple[str, ...]

    @property
    def is_measured(self) -> bool:
        return len(self.figures) == 6 and self.figures[0].isdigit()

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing doubled, everything accepted is settled."""
        accepted, settled, lost, duplicates, *_ = self.figures
        return accepted == settled and (lost, duplicates) == ("0", "0")


def written_rows(text: str) -> dict[str, Written]:
    """Return the rows between the markers, by id."""
    table = text.partition(START)[2].partition(END)[0]
    found = {}
    for match in _ROW.finditer(table):
        if match["id"] not in ("row", "|---|"):
            figures = tuple(part.strip() for part in match["figures"].split("|"))
            found[match["id"]] = Written(match["id"], match["does"], figures)
    return found


def with_rows(text: str, rows: dict[str, Written]) -> str:
    """Return the page with these rows between its markers, in the order of the table of faults."""
    before, rest = text.split(START)
    lines = [_line(rows[fault.id]) for fault in FAULTS if fault.id in rows]
    return f"{before}{START}\n\n" + "\n".join([_HEAD, *lines]) + f"\n\n{END}{rest.split(END)[1]}"


def write(fault: Fault, figures: Figures | str) -> None:
    """Put one measured row on the page; a text says why it could not be measured."""
    text = PAGE.read_text(encoding="utf-8")
    rows = written_rows(text)
    rows[fault.id] = Written(fault.id, fault.does, _cells(figures))
    PAGE.write_text(with_rows(text, rows), encoding="utf-8")


def _cells(figures: Figures | str) -> tuple[str, ...]:
    if isinstance(figures, str):
        return (figures, "", "", "", "", "")
    counted = figures.tally
    counts = (counted.accepted, counted.settled, counted.lost, counted.duplicates, figures.put_off)
    return (*map(str, counts), f"{figures.recovered_s:.1f}")


def _line(row: Written) -> str:
    return f"| {row.id} | {row.does} | {' | '.join(row.figures)} |"
