"""The labelled mails: read, split into new and quoted text, grouped by customer, with a frozen test part."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.rows import written_from_row

INTENTS = (Intent.ORDER, Intent.COMPLAINT, Intent.CANCELLATION)
"""The order of every column with one entry per intent, in models and matrices."""
FROZEN_PARTS = 10
HARD_SOURCES = ("_hard", "_subtle")
"""How the names of files end whose mails were written to be hard."""
NOT_IN_TEXT = "not_in_text"
"""The tag of mails whose label stands in an attachment only: no reader of the text could give it."""


@dataclass(frozen=True)
class Example:
    """One labelled mail. ``source`` is the file it stood in; ``customer`` keeps one writer's mails together."""

    id: str
    language: str
    customer: str
    source: str
    labels: frozenset[Intent]
    text: WrittenText
    slice: str = ""


def read_examples(paths: Iterable[Path]) -> list[Example]:
    """Read labelled JSON lines, in the order of the paths; those tagged as not in the text are left out.

    Raises:
        PermanentError: a line is no labelled mail; file and line number are named.
    """
    found: list[Example] = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and (example := _read_line(path, number, line)):
                found.append(example)
    return found


def _read_line(path: Path, number: int, line: str) -> Example | None:
    try:
        row = json.loads(line)
        if NOT_IN_TEXT in (row.get("tags") or ()):
            return None
        labels = frozenset(Intent(label) for label in row["labels"] if label != "other")
        return Example(
            id=row["id"],
            language=row["lang"],
            customer=row.get("customer") or row["id"],
            source=path.stem,
            labels=labels,
            text=written_from_row(row),
            slice=row.get("slice", ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, PermanentError) as error:
        raise PermanentError(
            f"{path.name}, line {number}: no labelled mail ({type(error).__name__}: {error})"
        ) from error


def corpus_files(folder: Path) -> list[Path]:
    """Return the corpus files by name.

    Raises:
        PermanentError: there is none.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise PermanentError(f"no corpus files (*.jsonl) in {folder}")
    return files


def corpus_digest(paths: Sequence[Path]) -> str:
    """Return the SHA-256, in hex, of the names and bytes of all files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def customer_hash(customer: str) -> int:
    """Return a number that depends on the customer's key only, the same on every machine."""
    return int.from_bytes(hashlib.sha256(customer.encode()).digest()[:8], "big")


def is_frozen(example: Example) -> bool:
    """Say whether the mail belongs to the frozen test part: a tenth of the customers, never trained on."""
    return customer_hash(example.customer) % FROZEN_PARTS == 0


def fold_numbers(examples: Sequence[Example], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each example; all mails of one customer fall into one fold. Shape (n_examples,)."""
    numbers = [customer_hash(f"{seed}/{example.customer}") % folds for example in examples]
    return np.array(numbers, dtype=np.int64)


def label_matrix(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Return 1 where an intent holds. Shape (n_examples, n_intents)."""
    return np.array([[intent in example.labels for intent in INTENTS] for example in examples], dtype=np.int64)
