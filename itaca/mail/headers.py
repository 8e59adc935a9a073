"""A header block to its fields, without trusting that it is one; values are decoded only when asked for."""

import re
from collections.abc import Iterator

from itaca.mail.defects import Defects
from itaca.mail.encoded_words import decode_header
from itaca.mail.limits import DEFAULT_LIMITS, Limits

_ESSENTIAL_NAMES = (
    *("from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "sender"),
    *("content-type", "content-transfer-encoding", "content-disposition", "mime-version"),
    *("auto-submitted", "precedence", "list-id", "x-trasporto", "x-ricevuta", "x-riferimento-message-id"),
    *("received", "return-path", "delivered-to", "x-original-to"),
)
_NAMES = b"|".join(name.encode() for name in _ESSENTIAL_NAMES)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)\n?", re.MULTILINE)
_ESSENTIAL_FIELD = re.compile(rb"^(" + _NAMES + rb")[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)\n?", re.MULTILINE | re.IGNORECASE)
_FIRST_ESSENTIAL = re.compile(rb"[\r\n]+(?:" + _NAMES + rb")[ \t]*:", re.IGNORECASE)
_MBOX_LINE = re.compile(rb">?From [^\r\n]*\r?\n")
_MAX_LATE_FIELDS = 200


class Headers:
    """The fields of one header block in their order; names are looked up without regard to case."""

    def __init__(self, fields: list[tuple[str, bytes]], limits: Limits, defects: Defects) -> None:
        self._fields = fields
        self._limits = limits
        self._defects = defects
        self._first: dict[str, bytes] = {}
        for name, value in fields:
            self._first.setdefault(name, value)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self._fields)

    def raw(self, name: str) -> bytes:
        """Return the first field of that (lower-case) name, unfolded and not decoded, or ``b""``."""
        return self._first.get(name, b"")

    def text(self, name: str) -> str:
        """Return the first field of that name as one clean line (RFC 2047 decoded), or ``""``."""
        value = self._first.get(name)
        return decode_header(value, self._limits, self._defects) if value else ""

    def texts(self, name: str) -> list[str]:
        """Return every field of that name as clean lines, in their order."""
        return [decode_header(value, self._limits, self._defects) for key, value in self._fields if key == name]

    def raws(self, name: str) -> list[bytes]:
        """Return every field of that name, not decoded, in their order."""
        return [value for key, value in self._fields if key == name]


def read_headers(
    buffer: bytes, start: int, end: int, limits: Limits = DEFAULT_LIMITS, defects: Defects | None = None
) -> tuple[Headers, int]:
    """Read the header block at ``start``; return its fields and where the body begins.

    Total: a block without end, without colons, or of a hundred thousand lines still gives what can be read.
    Beyond the limits only the fields that the reader needs are taken.
    """
    notes = defects if defects is not None else Defects()
    if buffer.startswith((b"\n", b"\r\n"), start):
        return Headers([], limits, notes), start + (1 if buffer.startswith(b"\n", start) else 2)
    blank = _BLANK_LINE.search(buffer, start, end)
    block_end, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    kept_end = min(block_end, start + limits.header_block_bytes)
    if kept_end < block_end:
        notes.limit("header_block_bytes")
        kept_end = max(buffer.rfind(b"\n", start, kept_end) + 1, start) or kept_end
    block = buffer[start:kept_end]
    fields, stop = _read_fields(block.replace(b"\r", b"") if b"\r" in block else block, limits, notes)
    if stop:
        return Headers(fields, limits, notes), _position_of_line(buffer, start, end, stop)
    fields.extend(_late_fields(buffer, kept_end, block_end, {name for name, _ in fields}))
    return Headers(fields, limits, notes), body


def _read_fields(block: bytes, limits: Limits, defects: Defects) -> tuple[list[tuple[str, bytes]], int]:
    """Return the fields, and after how many lines the header ended without a blank line (0: it did not)."""
    fields: list[tuple[str, bytes]] = []
    reached = 0
    for match in _FIELD.finditer(block):
        if match.start() != reached and not _may_skip(block, reached, match.start()):
            return fields, _lines_before(block, reached)
        if match.start() != reached:
            defects.note("" if _MBOX_LINE.match(block, reached) else "header:malformed")
        reached = match.end()
        _keep(fields, match, limits, defects)
    rest = block[reached:]
    if rest.strip():
        return fields, _lines_before(block, reached) if fields else -1
    return fields, 0


def _keep(fields: list[tuple[str, bytes]], match: re.Match[bytes], limits: Limits, defects: Defects) -> None:
    name, value = match[1].decode("ascii").lower(), match[2]
    if len(fields) >= limits.header_fields:
        defects.limit("header_fields")
        if name not in _ESSENTIAL_NAMES or len(fields) >= limits.header_fields + _MAX_LATE_FIELDS:
            return
    if len(value) > limits.header_bytes:
        defects.limit("header_bytes")
        value = value[: limits.header_bytes]
    fields.append((name, (value.replace(b"\n", b"") if b"\n" in value else value).strip()))


def _may_skip(block: bytes, start: int, end: int) -> bool:
    """Whether lines that are no fields stand inside a header: an mbox line, or fields we know come after them."""
    if block.startswith(b"--", start):
        return False  # a boundary: the blank line before it is missing, or not quite blank
    mbox = _MBOX_LINE.match(block, start)
    if mbox and mbox.end() == end:
        return True
    return _FIRST_ESSENTIAL.search(block, max(0, end - 2)) is not None


def _lines_before(block: bytes, position: int) -> int:
    return block.count(b"\n", 0, position) or -1


def _position_of_line(buffer: bytes, start: int, end: int, lines: int) -> int:
    """Return where the line after ``lines`` line breaks begins; ``-1`` stands for the very first line."""
    position = start
    for _ in range(max(lines, 0)):
        position = buffer.find(b"\n", position, end) + 1
    return position


def _late_fields(buffer: bytes, start: int, end: int, known: set[str]) -> list[tuple[str, bytes]]:
    """Find the fields the reader needs in the part of an oversize block that was cut off."""
    late: list[tuple[str, bytes]] = []
    if start < end:
        for match in _ESSENTIAL_FIELD.finditer(buffer, start, end):
            name = match[1].decode("ascii").lower()
            if name not in known:
                known.add(name)
                late.append((name, match[2][:10_000].replace(b"\r", b"").replace(b"\n", b"").strip()))
    return late
