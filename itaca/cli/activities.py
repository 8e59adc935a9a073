"""``itaca activities``: charges, shipments and mailings by a file, where a system cannot call the API."""

import csv
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from itaca.cases.activities import Activity
from itaca.cases.policy import Policy
from itaca.cli.ledger import write_ledger
from itaca.cli.output import print_json
from itaca.contracts.intents import ActivityKind
from itaca.errors import PermanentError
from itaca.storage.activities import Reported, report_activity

app = typer.Typer(help="Report what other systems did, by files.", no_args_is_help=True)
_NEEDED = ("system", "id", "kind", "happened_at")
_WHOM = ("email", "customer", "contract")
_MORE = ("amount", "description")
_LONGEST = {
    "system": 64, "id": 128, "email": 320, "customer": 128, "contract": 128, "amount": 32, "description": 500,
}  # fmt: skip
"""In characters, as the API has them: a column of the ledger may refuse what is longer when half is imported."""
_AT_ONCE = 200


@app.command("import", epilog="Example: itaca activities import charges-august.csv")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a head: system, id, kind (charge, shipment, mailing), happened_at (ISO 8601), and of "
            "email, customer, contract one at least; amount and description may stand beside.",
            exists=True,
            dir_okay=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one JSON line.")] = False,
) -> None:
    """Hold a list of what happened against what customers cancelled; the same lines again change nothing.

    A file with a fault in any line is refused as a whole, before anything is done.
    """
    activities = _read(file)
    counts: Counter[str] = Counter()
    for start in range(0, len(activities), _AT_ONCE):
        batch = activities[start : start + _AT_ONCE]
        counts.update(_told(one) for one in write_ledger(partial(_report, batch=batch)))
    names = ("violation", "clear", "unknown", "known before")
    if as_json:
        print_json({name.replace(" ", "_"): counts[name] for name in names})
    else:
        print(", ".join(f"{counts[name]} {name}" for name in names))


def _report(conn: Connection, batch: list[Activity]) -> list[Reported]:
    now, policy, rng = datetime.now(UTC), Policy(), random.Random()
    return [report_activity(conn, one, now, policy, rng, "activities import") for one in batch]


def _told(reported: Reported) -> str:
    return reported.verdict if reported.is_new else "known before"


def _read(file: Path) -> list[Activity]:
    """Return every line.

    Raises:
        PermanentError: a column is missing, or lines have faults; each of the first ten is named by its number.
    """
    faults: list[str] = []
    found: list[Activity] = []
    for number, row in _rows(file):
        try:
            found.append(_activity(row))
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise PermanentError(f"nothing was imported. {'; '.join(faults[:10])}")
    return found


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, restval="")
            missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise PermanentError(f"the file has no column {', '.join(missing)}")
            for row in reader:
                yield reader.line_num, {name: (value or "").strip() for name, value in row.items() if name}
    except (UnicodeDecodeError, csv.Error) as error:
        raise PermanentError(f"the file is no CSV in UTF-8 ({type(error).__name__})") from error


def _activity(row: dict[str, str]) -> Activity:
    if not row["system"] or not row["id"]:
        raise ValueError("system and id must be given")
    if not any(row.get(name) for name in _WHOM):
        raise ValueError("say to whom: email, customer or contract")
    _check_texts(row)
    if row["kind"] not in set(ActivityKind):
        raise ValueError(f"kinds are {', '.join(ActivityKind)}")
    return Activity(
        row["system"],
        row["id"],
        ActivityKind(row["kind"]),
        _moment(row["happened_at"]),
        **{name: row.get(name, "") for name in (*_WHOM, *_MORE)},
    )


def _check_texts(row: dict[str, str]) -> None:
    for name, most in _LONGEST.items():
        text = row.get(name, "")
        if len(text) > most:
            raise ValueError(f"{name} is longer than {most} characters")
        if any(character < " " or character == "\x7f" for character in text):
            raise ValueError(f"{name} holds control characters")


def _moment(text: str) -> datetime:
    """Read a moment; one without an offset is of the company's time zone, a day is its end: the last it can mean.

    Raises:
        ValueError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("happened_at is a day such as 2026-08-31, or a moment: 2026-08-31T10:00:00+02:00") from None
    zone = Policy().calendar.zone
    if len(text) <= len("2026-08-31"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
