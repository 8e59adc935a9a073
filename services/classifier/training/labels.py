"""Labels that people gave: kept as JSON lines, and let into training only past the guards.

A label says what a person says a mail is: who (``by``), when (``at``, ISO 8601), and whether they judged before
they saw the machine's answer (``blind``). The text of a mail is in its sender's hands, so the guards ask that no
single sender, no flood of one kind and no contradiction can turn the model.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from itaca.mail.addresses import read_addresses
from services.classifier.rows import written_from_row
from services.classifier.text import fold, words
from services.classifier.training.corpus import Example

MIN_LABELS = 20
MAX_SHARE_OF_ONE_KIND = 0.8
MAX_PER_SENDER = 5
MAX_SENDER_SHARE = 0.01
HELD_BACK_SHARE = 0.2
"""The newest labels, which the gate judges by and training never sees."""
_SOURCE = "labels"


@dataclass(frozen=True)
class Label:
    """One label with the mail it belongs to; ``sender`` is the address in From, lower case."""

    example: Example
    sender: str
    by: str
    at: str
    blind: bool


@dataclass(frozen=True)
class Guarded:
    """What the guards let through, oldest first, and how many they set aside, by reason."""

    accepted: list[Label]
    set_aside: dict[str, int]


def read_labels(paths: Iterable[Path]) -> list[Label]:
    """Read label files, as ``itaca label import`` writes them.

    Raises:
        PermanentError: a line is no label; file and line are named.
    """
    found: list[Label] = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    found.append(label_from_row(json.loads(line)))
                except (ValueError, KeyError, TypeError, AttributeError, PermanentError) as error:
                    raise PermanentError(f"{path.name}, line {number}: no label ({error})") from error
    return found


def label_from_row(row: Mapping[str, Any]) -> Label:
    """Return the label of a row: a mail as in the corpus, with ``labels``, ``by``, ``at`` and ``blind``.

    Raises:
        PermanentError: an unknown intent, no date, or ``other`` beside an intent.
    """
    named = [str(label).strip().lower() for label in row["labels"]]
    known = {intent.value for intent in Intent}
    if not named or set(named) - known - {"other"} or ("other" in named and len(set(named)) > 1):
        raise PermanentError(f"labels must be of {', '.join(sorted(known))}, or other alone, not {named}")
    at = datetime.fromisoformat(str(row["at"])).isoformat()
    text = written_from_row(row)
    senders = read_addresses(str(row.get("from") or "").encode())
    sender = senders[0].address if senders else ""
    example = Example(
        id=str(row.get("id") or text_digest(text.subject, text.new_text)[:16]),
        language=text.language,
        customer=str(row.get("customer") or sender or row.get("id") or ""),
        source=_SOURCE,
        labels=frozenset(Intent(label) for label in named if label != "other"),
        text=text,
    )
    return Label(example, sender, str(row.get("by") or ""), at, bool(row.get("blind", False)))


def text_digest(subject: str, body: str) -> str:
    """Return a digest that copies of one text share, whatever their case, accents, digits and blanks."""
    return hashlib.sha256(" ".join(words(fold(f"{subject}\n{body}"))).encode()).hexdigest()


def guard(labels: Sequence[Label]) -> Guarded:
    """Set aside what must not train a model.

    Raises:
        PermanentError: too few are left, or nearly all are of one kind; the sentence says what to do.
    """
    set_aside: Counter[str] = Counter()
    kept = [label for label in sorted(labels, key=lambda one: one.at) if _is_from_a_person(label, set_aside)]
    kept = _without_copies(kept, set_aside)
    kept = _capped(kept, set_aside)
    _check_counts(kept)
    return Guarded(kept, {reason: count for reason, count in set_aside.items() if count})


def _is_from_a_person(label: Label, set_aside: Counter[str]) -> bool:
    """A label needs a person behind it who is not the writer of the mail."""
    if not label.by or label.by.startswith("model:"):
        set_aside["nobody is named who gave the label"] += 1
        return False
    if label.sender and label.by.lower() == label.sender:
        set_aside["the sender of the mail gave the label"] += 1
        return False
    if any(flag.startswith("automatic:") for flag in label.example.text.flags):
        set_aside["a machine wrote the mail"] += 1
        return False
    return True


def _without_copies(labels: Sequence[Label], set_aside: Counter[str]) -> list[Label]:
    """Keep one of each text, the newest; texts with different labels contradict each other and are all left out."""
    by_text: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_text[text_digest(label.example.text.subject, label.example.text.new_text)].append(label)
    kept: list[Label] = []
    for same in by_text.values():
        if len({label.example.labels for label in same}) > 1:
            set_aside["the same text has different labels"] += len(same)
            continue
        set_aside["copies of one text"] += len(same) - 1
        kept.append(same[-1])
    return sorted(kept, key=lambda label: label.at)


def _capped(labels: Sequence[Label], set_aside: Counter[str]) -> list[Label]:
    """Keep at most a few mails of one sender, the newest."""
    cap = max(MAX_PER_SENDER, int(MAX_SENDER_SHARE * len(labels)))
    seen: Counter[str] = Counter()
    kept: list[Label] = []
    for label in reversed(labels):
        seen[label.sender] += 1
        if label.sender and seen[label.sender] > cap:
            set_aside[f"more than {cap} mails of one sender"] += 1
        else:
            kept.append(label)
    return kept[::-1]


def _check_counts(labels: Sequence[Label]) -> None:
    if len(labels) < MIN_LABELS:
        raise PermanentError(f"{len(labels)} usable labels are too few: {MIN_LABELS} are needed, label more mails")
    (kind, count) = Counter(label.example.labels for label in labels).most_common(1)[0]
    if count > MAX_SHARE_OF_ONE_KIND * len(labels):
        name = "+".join(sorted(kind)) or "other"
        raise PermanentError(
            f"{count} of {len(labels)} labels are {name}: more than {MAX_SHARE_OF_ONE_KIND:.0%} of one kind teach "
            "the model to say it always; label other mails too"
        )


def hold_back(labels: Sequence[Label]) -> tuple[list[Label], list[Label]]:
    """Part labels, oldest first, into those to train with and the newest, which only the gate judges by.

    The same customer is never on both sides.
    """
    place = len(labels) - max(1, int(HELD_BACK_SHARE * len(labels)))
    newest = list(labels[place:])
    customers = {label.example.customer for label in newest}
    return [label for label in labels[:place] if label.example.customer not in customers], newest


def examples_of(labels: Sequence[Label]) -> list[Example]:
    """Return the mails of the labels; one whose language is unknown counts as Italian in the figures."""
    return [replace(label.example, language=label.example.language or "it") for label in labels]
