"""Values with parameters (Content-Type, Content-Disposition), with the continuations of RFC 2231."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from itaca.mail.charsets import decode_text
from itaca.mail.defects import Defects
from itaca.mail.encoded_words import decode_header
from itaca.mail.headers import Headers
from itaca.mail.limits import DEFAULT_LIMITS, Limits

_PARAMETER = re.compile(r';\s*([^=;\s"]{1,100})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)')
_ESCAPE = re.compile(r"\\(.)")
_CONTINUATION = re.compile(r"^([^*]+)(?:\*(\d{1,4}))?(\*)?$")
_COMMENT = re.compile(r"\([^()]*\)")
_MISSING_SEMICOLON = re.compile(
    r"^(\s{0,20}[^\s;/]{1,80}/[^\s;/]{1,80})\s{1,20}(?=[a-z]{1,20}\s{0,5}=)", re.IGNORECASE
)
_MEDIA_TYPE = re.compile(r"^[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}$")


class Piece(NamedTuple):
    """One numbered piece of a parameter value; ``is_encoded`` says that it is percent-encoded."""

    number: int
    is_encoded: bool
    value: str


def split_value(
    value: str, limits: Limits = DEFAULT_LIMITS, defects: Defects | None = None
) -> tuple[str, dict[str, str]]:
    """Split ``main; name=value; ...`` into the lower-case main value and its parameters, RFC 2231 resolved."""
    notes = defects if defects is not None else Defects()
    main = _COMMENT.sub("", value.partition(";")[0]).strip().lower()
    if ";" not in value:
        return main, {}
    simple: dict[str, str] = {}
    pieces: dict[str, list[Piece]] = {}
    for count, match in enumerate(_PARAMETER.finditer(value)):
        if count >= limits.parameters:
            notes.limit("parameters")
            break
        _sort_in(match[1].lower(), _unquote(match[2]), simple, pieces)
    for name, found in pieces.items():
        simple[name] = _join(found, notes)
    return main, simple


def content_type_of(headers: Headers, default: str, limits: Limits, defects: Defects) -> tuple[str, dict[str, str]]:
    """Return media type and parameters; of several Content-Type fields the first that is one counts."""
    for raw in headers.raws("content-type"):
        value = _MISSING_SEMICOLON.sub(r"\1; ", _plain_text(raw), count=1)
        main, parameters = split_value(value, limits, defects)
        if _MEDIA_TYPE.match(main):
            return main, parameters
        if main in ("text", "html", "plain"):
            return "text/html" if main == "html" else "text/plain", parameters
    return default, {}


def disposition_of(headers: Headers, limits: Limits, defects: Defects) -> tuple[str, dict[str, str]]:
    """Return the Content-Disposition and its parameters (RFC 2183)."""
    raw = headers.raw("content-disposition")
    return split_value(_plain_text(raw), limits, defects) if raw else ("", {})


def _plain_text(raw: bytes) -> str:
    return raw.decode("ascii") if raw.isascii() else decode_text(raw).text


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value.strip()
    inner = value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:]
    return _ESCAPE.sub(r"\1", inner) if "\\" in inner else inner


def _sort_in(name: str, value: str, simple: dict[str, str], pieces: dict[str, list[Piece]]) -> None:
    match = _CONTINUATION.match(name) if "*" in name else None
    if match is None:
        simple.setdefault(name, decode_header(value) if "=?" in value else value)
        return
    pieces.setdefault(match[1], []).append(Piece(int(match[2] or 0), bool(match[3]), value))


def _join(found: list[Piece], defects: Defects) -> str:
    """Join the pieces by their numbers: they may come in any order, twice, or not at all (RFC 2231, section 3)."""
    by_number: dict[int, Piece] = {}
    for piece in found:
        by_number.setdefault(piece.number, piece)
    ordered = [by_number[number] for number in sorted(by_number)]
    if [piece.number for piece in ordered] != list(range(len(found))):
        defects.note("header:parameter")
    charset = ""
    first = ordered[0]
    if first.is_encoded and first.value.count("'") >= 2:
        charset, _, rest = first.value.split("'", 2)
        ordered[0] = first._replace(value=rest)
    data = b"".join(_piece_bytes(piece) for piece in ordered)
    return decode_text(data, charset).text


def _piece_bytes(piece: Piece) -> bytes:
    return unquote_to_bytes(piece.value) if piece.is_encoded else piece.value.encode("utf-8", "replace")
