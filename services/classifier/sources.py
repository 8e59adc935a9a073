"""Mails from files: .eml, mbox, Maildir folders, folders of .eml, and JSON lines."""

import json
import mailbox
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itaca.contracts.events import WrittenText
from itaca.errors import PermanentError
from itaca.mail.model import Envelope
from itaca.mail.read import read_mail
from itaca.mail.written import written_text
from services.classifier.rows import written_from_row

UNKNOWN_ENVELOPE = Envelope(sender="unknown@invalid", recipients=())
"""A mail from a file has lost its envelope; it is not taken for a bounce because of that."""
_MBOX_START = b"From "


@dataclass(frozen=True)
class Source:
    """One mail to judge, with what to call it, its sender, and the row it came from (empty for raw mail)."""

    id: str
    text: WrittenText
    row: dict[str, Any]
    sender: str = ""


def read_sources(paths: Iterable[Path]) -> Iterator[Source]:
    """Yield the mails of all paths, in order, one at a time.

    Raises:
        PermanentError: a path holds no mail, or a line of JSON is no mail; path and line are named.
    """
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif path.suffix in (".jsonl", ".ndjson", ".json"):
            yield from _rows(path)
        else:
            yield from _file(path)


def _folder(path: Path) -> Iterator[Source]:
    is_maildir = (path / "cur").is_dir() or (path / "new").is_dir()
    places = [path / "new", path / "cur"] if is_maildir else [path]
    files = sorted(file for place in places if place.is_dir() for file in place.rglob("*") if file.is_file())
    if not is_maildir:
        files = [file for file in files if file.suffix in (".eml", ".mbox", ".jsonl")]
    if not files:
        raise PermanentError(f"{path} holds no mail (.eml, .mbox, .jsonl, or a Maildir)")
    for file in files:
        yield from [read_raw(file.name, file.read_bytes())] if is_maildir else read_sources([file])


def _file(path: Path) -> Iterator[Source]:
    try:
        with path.open("rb") as file:
            is_mbox = file.read(len(_MBOX_START)) == _MBOX_START
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}") from error
    if not is_mbox:
        yield read_raw(path.name, path.read_bytes())
        return
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.keys(), 1):
            yield read_raw(f"{path.name}:{number}", box.get_bytes(key))
    finally:
        box.close()


def read_raw(name: str, raw: bytes) -> Source:
    """Read one raw mail, by the name it shall have."""
    mail = read_mail(raw, UNKNOWN_ENVELOPE)
    return Source(name, written_text(mail), {}, mail.sender)


def _rows(path: Path) -> Iterator[Source]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _row(path, number, line)


def _row(path: Path, number: int, line: str) -> Source:
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise PermanentError("not an object")
        return Source(str(row.get("id") or f"{path.name}:{number}"), written_from_row(row), row)
    except (ValueError, PermanentError) as error:
        raise PermanentError(f"{path.name}, line {number}: no mail ({error})") from error
