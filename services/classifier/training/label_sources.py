"""Where labels come from: folders named by intent, CSV and JSON lines; all become one file of JSON lines."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.sources import read_sources
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


def import_labels(path: Path, target: Path, by: str, at: str) -> int:
    """Read labels from ``path`` and append them to ``target``; returns how many were added.

    ``path`` is a folder whose subfolders or mbox files are named by intent (``complaint``, ``order+complaint``,
    also ``reclami``, ``disdette``, ``ordini``, ``altro``; each a Maildir, an mbox or a folder of .eml files), a
    CSV file with a column ``labels``, or JSON lines. ``by`` and ``at`` hold for mails that name none themselves.

    Raises:
        PermanentError: nothing could be read, or a label makes no sense; nothing is added then.
    """
    if not by:
        raise PermanentError("say who gave the labels: --by NAME")
    rows = [_complete(row, by, at) for row in _rows(path)]
    if not rows:
        raise PermanentError(f"{path} holds no labelled mail")
    for row in rows:
        label_from_row(row)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


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


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_dir():
        for place in sorted(path.iterdir()):
            if not place.name.startswith("."):
                yield from _folder(place)
    elif path.suffix == ".csv":
        yield from _table(path)
    else:
        yield from (source.row for source in read_sources([path]))


def _folder(place: Path) -> Iterator[dict[str, Any]]:
    labels = labels_named(place.name if place.is_dir() else place.stem)
    for source in read_sources([place]):
        yield {**_mail(source.text), "id": source.id, "labels": labels, "from": source.sender}


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
