"""Content-Transfer-Encoding and uuencode: encoded bytes to the bytes that were meant, as far as they can be told."""

import binascii
import re
from typing import NamedTuple

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_UU_BEGIN = re.compile(rb"^begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,500}?)[ \t]*\r?$", re.MULTILINE)
_LINE = re.compile(rb"[^\r\n]+")
_UU_END = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE)
_MAX_PADDINGS = 100_000
"""Paddings in the middle of base64 at which the decoder starts anew."""
_MAX_UU_FILES = 20
"""Beginnings tried in one text; each try may look at all of the text, so that more would cost its square."""
_UU_NAMES = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit", "none"})


class UuFile(NamedTuple):
    """A file that stood uuencoded in a text; ``name`` is as hostile as any."""

    name: str
    data: bytes


def decode_transfer(data: bytes, encoding: str) -> tuple[bytes, str]:
    """Undo a Content-Transfer-Encoding (RFC 2045, section 6); return the bytes and a defect code or ``""``."""
    name = encoding.strip().lower().partition(";")[0].strip()
    if name == "base64":
        return decode_base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data), ""
    if name in _UU_NAMES:
        _, files = split_uuencoded(data)
        return (files[0].data, "") if files else (data, "mime:encoding")
    return data, "" if name in _IDENTITY else "mime:encoding"


def decode_base64(data: bytes) -> tuple[bytes, str]:
    """Decode base64 that may hold foreign characters, padding in the middle or a torn end."""
    try:
        if data.find(b"=", 0, max(0, len(data.rstrip()) - 2)) == -1:
            return binascii.a2b_base64(data), ""
    except binascii.Error:
        pass
    pieces = [piece for piece in data.translate(None, _NOT_BASE64).split(b"=", _MAX_PADDINGS) if piece]
    if pieces and b"=" in pieces[-1]:
        pieces[-1] = pieces[-1].replace(b"=", b"")
    return b"".join(map(_decode_piece, pieces)), "mime:encoding" if pieces else ""


def _decode_piece(piece: bytes) -> bytes:
    usable = len(piece) - (len(piece) % 4 == 1)
    return binascii.a2b_base64(piece[:usable] + b"=" * (-usable % 4))


def split_uuencoded(data: bytes) -> tuple[bytes, list[UuFile]]:
    """Take uuencoded files out of a text; what only looks like one stays in the text."""
    if b"begin" not in data:
        return data, []
    kept: list[bytes] = []
    files: list[UuFile] = []
    position = 0
    end: re.Match[bytes] | None = None
    for _ in range(_MAX_UU_FILES):
        begin = _UU_BEGIN.search(data, position)
        if begin and (end is None or end.start() < begin.end()):
            end = _UU_END.search(data, begin.end())
        if begin is None or end is None:
            break
        content = _decode_uu(data[begin.end() : end.start()])
        if content is None:
            kept.append(data[position : begin.end()])
            position = begin.end()
            continue
        kept.append(data[position : begin.start()])
        files.append(UuFile(begin[1].decode("utf-8", "replace"), content))
        position = end.end()
    kept.append(data[position:])
    return b"".join(kept), files


def _decode_uu(block: bytes) -> bytes | None:
    out: list[bytes] = []
    for line in _LINE.finditer(block):
        stripped = line.group()
        try:
            out.append(binascii.a2b_uu(stripped))
        except binascii.Error:
            # Some encoders leave one character of padding too many; the length stands in the first character.
            wanted = (((stripped[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(stripped[:wanted]))
            except binascii.Error:
                return None
    return b"".join(out)
