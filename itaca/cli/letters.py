"""Mail on disk: .eml files, Maildir and mbox folders, and corpus rows in JSONL made into mails of RFC 5322."""

import functools
import json
import mimetypes
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from pathlib import Path
from typing import Any

from itaca.errors import PermanentError

_EPOCH = datetime(2026, 1, 7, 8, 0, tzinfo=UTC)
_DAYS = 60
_ADDRESS = re.compile(r"[A-Za-z0-9_+=/-]+(?:\.[A-Za-z0-9_+=/-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_TRAILING_LINE = re.compile(rb"(\n)\r?\n\Z")
"""The empty line that stands between two mails of an mbox and belongs to none."""
_OWN_HEADERS = {"from", "to", "cc", "subject", "date", "message-id", "mime-version"}


@dataclass(frozen=True)
class Letter:
    """One mail ready to be handed over; addresses are empty where the mail names none that SMTP could carry."""

    raw: bytes
    sender: str
    recipient: str


@dataclass(frozen=True)
class LetterSource:
    """Where one mail lies: ``name`` for people, ``load`` to read it when its turn comes."""

    name: str
    load: Callable[[], Letter]


def find_letters(paths: Sequence[Path]) -> list[LetterSource]:
    """Return every mail under the paths, in order; only names and rows are held in memory.

    Raises:
        PermanentError: a path is not there, or a JSONL line is no mail; the text says which.
    """
    return [source for path in paths for source in _sources(path)]


def _sources(path: Path) -> Iterator[LetterSource]:
    if path.is_dir():
        yield from _in_folder(path)
    elif not path.is_file():
        raise PermanentError(f"{path}: no such file or folder")
    elif path.suffix == ".jsonl":
        yield from _in_rows(path)
    elif path.suffix == ".mbox" or (path.suffix != ".eml" and _begins_like_mbox(path)):
        yield from _in_mbox(path)
    else:
        yield LetterSource(str(path), functools.partial(_load_file, path))


def _in_folder(folder: Path) -> Iterator[LetterSource]:
    is_maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    if is_maildir:
        for path in sorted([*(folder / "cur").iterdir(), *(folder / "new").iterdir()]):
            yield LetterSource(str(path), functools.partial(_load_file, path))
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.suffix in (".eml", ".mbox", ".jsonl"):
            yield from _sources(path)


def _load_file(path: Path) -> Letter:
    return letter_of(path.read_bytes())


def _begins_like_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _in_mbox(path: Path) -> Iterator[LetterSource]:
    """Cut at lines that begin with ``From `` behind an empty line (RFC 4155); only the places are remembered."""
    starts = []
    is_behind_empty = True
    with path.open("rb") as file:
        place = 0
        for line in file:
            if is_behind_empty and line.startswith(b"From "):
                starts.append((place, place + len(line)))
            is_behind_empty = line in (b"\n", b"\r\n")
            place += len(line)
    ends = [start for start, _ in starts[1:]] + [place]
    for number, ((_, begin), end) in enumerate(zip(starts, ends, strict=True), 1):
        yield LetterSource(f"{path}:{number}", functools.partial(_load_slice, path, begin, end))


def _load_slice(path: Path, begin: int, end: int) -> Letter:
    with path.open("rb") as file:
        file.seek(begin)
        raw = file.read(end - begin)
    return letter_of(_TRAILING_LINE.sub(rb"\1", raw))


def _in_rows(path: Path) -> Iterator[LetterSource]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = _row(line, path, number)
                yield LetterSource(str(row["id"]), functools.partial(_load_row, row))


def _row(line: bytes, path: Path, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise PermanentError(f"{path}: line {number} is no JSON") from error
    if not isinstance(row, dict) or "id" not in row or "body" not in row:
        raise PermanentError(f"{path}: line {number} has no id and body")
    return row


def _load_row(row: Mapping[str, Any]) -> Letter:
    return letter_of(mail_of_row(row))


def letter_of(raw: bytes) -> Letter:
    """Take the envelope from the header: the first address of From, and of To."""
    header = BytesHeaderParser().parsebytes(raw)
    return Letter(raw, _first_address(header.get_all("From")), _first_address(header.get_all("To")))


def _first_address(values: Sequence[Any] | None) -> str:
    found = (address for _, address in getaddresses([str(value) for value in values or ()]))
    return next((a for a in found if a.isascii() and a.isprintable() and " " not in a and 0 < a.find("@") < 64), "")


def mail_of_row(row: Mapping[str, Any]) -> bytes:
    """Build the mail of one corpus row; the same row always gives the same bytes, so that sending it twice is one
    mail. Attachments are small stand-ins under their names."""
    message = EmailMessage(policy=SMTP)
    for name in ("From", "To"):
        _set_addresses(message, name, [str(row.get(name.lower(), ""))])
    _set_addresses(message, "Cc", [str(address) for address in row.get("cc") or ()])
    message["Subject"] = _one_line(row.get("subject", ""))
    message["Date"] = format_datetime(_date(str(row["id"])))
    message["Message-ID"] = f"<{_token(str(row['id']))}@corpus.example>"
    for name, value in dict(row.get("headers") or {}).items():
        if name.lower() not in _OWN_HEADERS and name not in message:
            message[name] = _one_line(value)
    message.set_content(str(row["body"]))
    for name in row.get("attachments") or ():
        _attach(message, str(name))
    if message.is_multipart():
        message.set_boundary(f"=={_token(str(row['id']))}==")
    return message.as_bytes()


def _set_addresses(message: EmailMessage, header: str, texts: Sequence[str]) -> None:
    addresses = []
    for text in texts:
        # Names in the corpus are not quoted, so a comma in one must not split it.
        name, _, spec = _one_line(text).rpartition("<")
        spec = spec.removesuffix(">")
        if spec.isascii() and _ADDRESS.fullmatch(spec):
            addresses.append(Address(display_name=name.strip(), addr_spec=spec))
    if addresses:
        message[header] = addresses


def _attach(message: EmailMessage, name: str) -> None:
    kind = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
    maintype, subtype = kind[0], kind[2]
    if maintype in ("multipart", "message"):
        maintype, subtype = "application", "octet-stream"
    content = f"stand-in for {name}\r\n".encode()
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=_one_line(name))


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _token(row_id: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else f"={ord(c):x}" for c in row_id)


def _date(row_id: str) -> datetime:
    return _EPOCH + timedelta(minutes=zlib.crc32(row_id.encode()) % (_DAYS * 24 * 60))
