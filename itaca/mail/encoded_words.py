"""Header text: raw 8-bit bytes and the encoded words of RFC 2047, however broken, to one line of clean text."""

import binascii
import re

from itaca.mail.charsets import clean_text, decode_text
from itaca.mail.defects import Defects
from itaca.mail.limits import DEFAULT_LIMITS, Limits
from itaca.mail.transfer import decode_base64

# Spaces and question marks inside a word are forbidden and common; the length bound keeps the search linear.
_WORD = re.compile(r"=\?([^?\s]{1,100})\?([BbQq])\?(.{0,4000}?)\?=")
_CUT_WORD = re.compile(r"=\?([^?\s]{1,100})\?([BbQq])\?([^?\s]{1,4000})$")
_SPACES = re.compile(r"\s+")


def decode_header(value: bytes | str, limits: Limits = DEFAULT_LIMITS, defects: Defects | None = None) -> str:
    """Return a header value as one line of text. Total; no control character and no line break comes out.

    Words of one charset side by side are joined before decoding, because many programs split a character
    between two words although RFC 2047, section 5, forbids it.
    """
    notes = defects if defects is not None else Defects()
    text = value if isinstance(value, str) else _raw_text(value, notes)
    if "=?" in text:
        text = _decode_words(text, limits, notes)
    return clean_line(text)


def clean_line(text: str) -> str:
    """Make one line of any text: every run of white space is one space, control characters are gone."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", clean_text(text)).strip()


def _raw_text(value: bytes, defects: Defects) -> str:
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    decoded = decode_text(value)
    if decoded.defect != "charset:detected" or decoded.codec != "utf_8":  # RFC 6532 allows raw UTF-8
        defects.note(decoded.defect)
    return decoded.text


def _decode_words(text: str, limits: Limits, defects: Defects) -> str:
    out: list[str] = []
    charset, pending, end = "", b"", 0
    for count, match in enumerate(_WORD.finditer(text)):
        if count >= limits.encoded_words:
            defects.limit("encoded_words")
            break
        gap = text[end : match.start()]
        label = match[1].lower()
        if gap.strip() or count == 0 or label != charset:
            out.append(_decode_bytes(pending, charset, defects))
            out.append(gap if gap.strip() or count == 0 else "")
            pending = b""
        charset = label
        pending += _word_bytes(match[2], match[3])
        end = match.end()
    out.append(_decode_bytes(pending, charset, defects))
    return "".join(out) + _decode_cut_word(text[end:], defects)


def _decode_cut_word(rest: str, defects: Defects) -> str:
    match = _CUT_WORD.search(rest[-5_000:]) if "=?" in rest else None
    if match is None:
        return rest
    defects.note("header:encoded_word")
    word = _decode_bytes(_word_bytes(match[2], match[3]), match[1].lower(), defects)
    return rest[: len(rest) - len(match[0])] + word


def _word_bytes(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding in "Bb":
        return decode_base64(data)[0]
    return binascii.a2b_qp(data, header=True)


def _decode_bytes(data: bytes, charset: str, defects: Defects) -> str:
    if not data:
        return ""
    decoded = decode_text(data, charset.partition("*")[0])
    defects.note(decoded.defect)
    return decoded.text
