"""Where labels come from: folders named by intent, CSV, JSON lines and IMAP; all become one file of JSON lines."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.sources import Source, read_sources
from services.classifier.training.labels import label_from_row

_SEPARATOR = re.compile(r"[+,;|\s]+")
_NAMES = {
    **{intent.value: intent.value for intent in Intent},
    "other": "other",
    "orders": "order",
    "ordini": "order",
    "ordine": "order",
    "complaints": "complaint",
    "reclami": "complaint",
    "reclamo": "complaint",
    "cancellations": "cancellation",
    "disdette": "cancellation",
    "disdetta": "cancellation",
    "others": "other",
    "altro": "other",
}


def import_labels(sources: Iterable[Iterable[Mapping[str, Any]]], target: Path, by: str, at: str) -> int:
    """Append the labelled mails of all sources to ``target``; returns how many were added.

    ``by`` and ``at`` hold for mails that name none themselves.

    Raises:
        PermanentError: nothing could be read, or a label makes no sense; nothing is added then.
    """
    if not by:
        raise PermanentError("say who gave the labels: --by ADDRESS")
    rows = [_complete(row, by, at) for source in sources for row in source]
    if not rows:
        raise PermanentError("there is no labelled mail")
    for number, row in enumerate(rows, 1):
        _check(number, row)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def _check(number: int, row: Mapping[str, Any]) -> None:
    try:
        label_from_row(row)
    except (ValueError, KeyError, TypeError, AttributeError, PermanentError) as error:
        raise PermanentError(f"mail {number} ({row.get('id') or 'without id'}) is not labelled: {error}") from error


def _complete(row: Mapping[str, Any], by: str, at: str) -> dict[str, Any]:
    complete = dict(row)
    labels = row.get("labels")
    complete["labels"] = labels_named(labels) if isinstance(labels, str) else labels
    complete["by"] = row.get("by") or by
    complete["at"] = row.get("at") or at
    return complete


def labels_named(name: str) -> list[str]:
    """Return the labels in a name such as ``reclami`` or ``order+complaint``.

    Raises:
        PermanentError: a part of it is no intent.
    """
    parts = [part for part in _SEPARATOR.split(name.strip().lower()) if part]
    unknown = [part for part in parts if part not in _NAMES]
    if unknown or not parts:
        raise PermanentError(f"{name!r} names no intent: use {', '.join(intent.value for intent in Intent)} or other")
    return [_NAMES[part] for part in parts]


def labelled_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the labelled mails of a path.

    It is a folder or mbox file named by intent (``complaint``, ``order+complaint``, also ``reclami``, ``disdette``,
    ``ordini``, ``altro``; a folder is a Maildir or holds .eml files), a folder of such, a CSV file with a column
    ``labels``, or JSON lines.

    Raises:
        PermanentError: it holds no mail, or its name names no intent.
    """
    if path.suffix == ".csv":
        yield from _table(path)
    elif path.suffix in (".jsonl", ".ndjson", ".json"):
        yield from (source.row for source in read_sources([path]))
    elif path.is_file() or _is_named(path.name):
        yield from _folder(path)
    else:
        for place in sorted(path.iterdir()):
            if not place.name.startswith("."):
                yield from _folder(place)


def _is_named(name: str) -> bool:
    try:
        return bool(labels_named(name))
    except PermanentError:
        return False


def _folder(place: Path) -> Iterator[dict[str, Any]]:
    labels = labels_named(place.name if place.is_dir() else place.stem)
    for source in read_sources([place]):
        yield labelled_mail(source, labels)


def labelled_mail(source: Source, labels: Sequence[str]) -> dict[str, Any]:
    """Return a mail that was read from a mailbox as a labelled row."""
    return {**_mail(source.text), "id": source.id, "labels": list(labels), "from": source.sender}


def _mail(text: WrittenText) -> dict[str, Any]:
    """Return a mail as a row; history is marked again, so that it is split off again when it is read."""
    quoted = "".join(f"\n> {line}" for line in text.quoted_text.split("\n")) if text.quoted_text else ""
    return {
        "subject": text.subject,
        "body": text.new_text + quoted,
        "attachments": list(text.attachment_names),
        "headers": {"Auto-Submitted": "auto-generated"} if "automatic:auto_generated" in text.flags else {},
    }


def _table(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if not row.get("labels"):
                raise PermanentError(f"{path.name}, line {number}: no column `labels`, or nothing in it")
            yield {name: value for name, value in row.items() if name and value}
