"""Mails of our own corpus, as real RFC 5322 mails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from itaca.cli.letters import mail_of_row

CORPUS = Path(__file__).parents[2] / "models" / "corpus"


def corpus_rows(*labels: str, language: str = "it") -> Iterator[dict[str, Any]]:
    """Yield the rows that carry exactly these labels (none: all rows), file by file."""
    for path in sorted(CORPUS.glob(f"{language}*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if not labels or sorted(row["labels"]) == sorted(labels):
                yield row


def corpus_mails(count: int, *labels: str, language: str = "it") -> list[tuple[str, bytes]]:
    """Return (sender's address, raw mail) of the first ``count`` rows that have a sender."""
    found = []
    for row in corpus_rows(*labels, language=language):
        address = row["from"].rpartition("<")[2].rstrip(">").strip()
        if "@" in address:
            found.append((address, mail_of_row(row)))
        if len(found) == count:
            return found
    raise AssertionError(f"the corpus has only {len(found)} such mails")
