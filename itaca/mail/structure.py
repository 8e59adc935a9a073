"""The tree of parts of a mail, as offsets into its bytes: bounded in depth, in parts and in bytes searched.

The standard library's parser is line by line and recursive: it takes seconds for 20 MB of empty lines and raises
RecursionError for nested parts. Here a boundary is found by searching the bytes, and every loop has a bound.
"""

import re
from dataclasses import dataclass, field

from itaca.mail.defects import Defects
from itaca.mail.encoded_words import decode_header
from itaca.mail.headers import Headers, read_headers
from itaca.mail.limits import Limits
from itaca.mail.parameters import content_type_of, disposition_of
from itaca.mail.transfer import decode_transfer

_GUESSED_BOUNDARY = re.compile(rb"\s{0,1000}--([^\r\n]{1,200}?)[ \t]*\r?\n[!-9;-~]+[ \t]*:")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
_ENCLOSED = frozenset({"message/rfc822", "message/global", "message/news"})
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_MAX_FALSE_BOUNDARIES = 100_000


@dataclass(slots=True)
class Part:
    """One part: its headers, what it says it is, and where its body lies in ``buffer``."""

    buffer: bytes
    start: int
    end: int
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    disposition: str = ""
    file_name: str = ""
    children: list["Part"] = field(default_factory=list)
    stray: list[tuple[int, int]] = field(default_factory=list)
    """Preamble and epilogue of a multipart: start and end of each in ``buffer``."""

    @property
    def is_enclosed_mail(self) -> bool:
        return self.content_type in _ENCLOSED

    @property
    def encoding(self) -> str:
        return self.headers.raw("content-transfer-encoding").decode("ascii", "replace").strip().lower()

    def content(self, defects: Defects) -> bytes:
        """Return the body with its transfer encoding undone."""
        data, defect = decode_transfer(self.buffer[self.start : self.end], self.encoding)
        defects.note(defect)
        return data


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one mail is taken apart."""

    limits: Limits
    defects: Defects
    parts: int = 0
    scanned_bytes: int = 0


def read_structure(raw: bytes, limits: Limits, defects: Defects) -> Part:
    """Take a mail apart. Total for any bytes; what lies beyond a limit stays one undivided part or is left out."""
    buffer = raw
    if len(buffer) > limits.raw_bytes:
        defects.limit("raw_bytes")
        buffer = buffer[: limits.raw_bytes]
    buffer = buffer.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in buffer and b"\r" in buffer:
        buffer = buffer.replace(b"\r", b"\n")  # old Macintosh line ends
    return _read_part(buffer, 0, len(buffer), Budget(limits, defects), 0, "text/plain")


def parse_enclosed(data: bytes, limits: Limits, defects: Defects) -> Part:
    """Take apart a mail that came as the content of an attachment."""
    return _read_part(data, 0, len(data), Budget(limits, defects), 1, "text/plain")


def _read_part(buffer: bytes, start: int, end: int, budget: Budget, depth: int, default_type: str) -> Part:
    limits, defects = budget.limits, budget.defects
    budget.parts += 1
    headers, body = read_headers(buffer, start, end, limits, defects)
    content_type, parameters = content_type_of(headers, default_type, limits, defects)
    disposition, details = disposition_of(headers, limits, defects)
    part = Part(buffer, min(body, end), end, headers, content_type, parameters, disposition)
    if _says_two_things(headers):
        defects.note("mime:ambiguous")
    name = details.get("filename") or parameters.get("name") or details.get("name", "")
    part.file_name = decode_header(name, limits) if name else ""
    if not (content_type.startswith("multipart/") or part.is_enclosed_mail):
        return part
    if depth >= limits.depth:
        defects.limit("depth")
    elif part.is_enclosed_mail:
        part.children.append(_read_enclosed(part, budget, depth))
    else:
        _split(part, budget, depth)
    return part


def _says_two_things(headers: Headers) -> bool:
    """Whether a field that may stand once stands twice with different values: each program takes its own."""
    return any(
        len({value.strip().lower() for value in headers.raws(name)}) > 1
        for name in ("content-type", "content-transfer-encoding")
    )


def _read_enclosed(part: Part, budget: Budget, depth: int) -> Part:
    if part.encoding in _IDENTITY:
        return _read_part(part.buffer, part.start, part.end, budget, depth + 1, "text/plain")
    # RFC 2046 forbids an encoded message/rfc822; certified mail gateways produce it all the same.
    data = part.content(budget.defects)
    return _read_part(data, 0, len(data), budget, depth + 1, "text/plain")


def _split(part: Part, budget: Budget, depth: int) -> None:
    """Give a multipart its children (RFC 2046, 5.1.1)."""
    boundary = _boundary_of(part)
    cuts, is_closed = _find_boundaries(part, boundary, budget) if boundary else ([], False)
    if not cuts:
        guessed = _GUESSED_BOUNDARY.match(part.buffer, part.start, part.end)
        budget.defects.note("mime:boundary")
        if guessed is None or guessed[1] == boundary:
            return
        cuts, is_closed = _find_boundaries(part, guessed[1], budget)
    default_type = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    part.stray.append((part.start, cuts[0][0]) if cuts else (part.start, part.end))
    for index, (_, begin) in enumerate(cuts):
        is_last = index == len(cuts) - 1
        if is_last and is_closed:
            part.stray.append((begin, part.end))
            break
        if budget.parts >= budget.limits.parts:
            budget.defects.limit("parts")
            break
        stop = part.end if is_last else cuts[index + 1][0]
        part.children.append(_read_part(part.buffer, begin, max(begin, stop), budget, depth + 1, default_type))
    if not is_closed:
        budget.defects.note("mime:unterminated")


def _boundary_of(part: Part) -> bytes:
    return part.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")


def _find_boundaries(part: Part, boundary: bytes, budget: Budget) -> tuple[list[tuple[int, int]], bool]:
    """Return where each boundary line starts (with the line break before it) and ends, and whether one closes."""
    buffer, end = part.buffer, part.end
    delimiter = b"--" + boundary
    cuts: list[tuple[int, int]] = []
    position = part.start
    for _ in range(_MAX_FALSE_BOUNDARIES):
        if budget.scanned_bytes > budget.limits.scan_bytes:
            budget.defects.limit("scan_bytes")
            break
        found = buffer.find(delimiter, position, end)
        budget.scanned_bytes += (found if found >= 0 else end) - position
        if found < 0:
            break
        position = found + len(delimiter)
        after = _AFTER_BOUNDARY.match(buffer, position, end)
        if after is None or (found > part.start and buffer[found - 1] not in b"\r\n"):
            continue
        cuts.append((_before_line_break(buffer, found, part.start), after.end()))
        position = after.end()
        if after[1]:
            return cuts, True
        if len(cuts) > budget.limits.parts:
            budget.defects.limit("parts")
            break
    return cuts, False


def _before_line_break(buffer: bytes, position: int, floor: int) -> int:
    """The line break before a boundary belongs to the boundary (RFC 2046, 5.1.1)."""
    if position - 2 >= floor and buffer[position - 2 : position] == b"\r\n":
        return position - 2
    return position - 1 if position - 1 >= floor else position
