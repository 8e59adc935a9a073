"""Bytes to text by a ladder that always ends: mark, label, UTF-8 by its looks, detection, windows-1252, replacement.

Python's codec registry is never asked about a name that came in a mail: it would find rot13, hex, zlib and idna.
"""

import re
from typing import NamedTuple

import charset_normalizer

from itaca.mail.limits import DEFAULT_LIMITS


class Decoded(NamedTuple):
    """Text without control characters or lone surrogates; ``defect`` is a code, or empty when all was in order."""

    text: str
    codec: str
    defect: str


_SINGLE_BYTE: dict[str, tuple[str, ...]] = {
    "cp1252": (
        "iso88591",
        "latin1",
        "l1",
        "cp1252",
        "windows1252",
        "win1252",
        "ansi",
        "iso8859",
        "cp819",
        "westeuropean",
    ),
    "ascii": ("ascii", "usascii", "ansix341968", "ansix3.41968", "iso646us", "646", "us"),
    "iso8859_15": ("iso885915", "latin9", "iso8859150"),
    "iso8859_2": ("iso88592", "latin2"),
    "iso8859_3": ("iso88593", "latin3"),
    "iso8859_4": ("iso88594", "latin4"),
    "iso8859_5": ("iso88595",),
    "iso8859_6": ("iso88596", "iso88596i"),
    "iso8859_7": ("iso88597", "greek"),
    "iso8859_8": ("iso88598", "iso88598i", "iso88598e", "hebrew", "logical"),
    "cp1254": ("iso88599", "latin5", "cp1254", "windows1254"),
    "iso8859_10": ("iso885910", "latin6"),
    "cp874": ("iso885911", "tis620", "cp874", "windows874"),
    "iso8859_13": ("iso885913", "latin7"),
    "iso8859_14": ("iso885914", "latin8"),
    "iso8859_16": ("iso885916", "latin10"),
    "cp1250": ("cp1250", "windows1250"),
    "cp1251": ("cp1251", "windows1251", "win1251"),
    "cp1253": ("cp1253", "windows1253"),
    "cp1255": ("cp1255", "windows1255"),
    "cp1256": ("cp1256", "windows1256"),
    "cp1257": ("cp1257", "windows1257"),
    "cp1258": ("cp1258", "windows1258"),
    "koi8_r": ("koi8r", "koi8"),
    "koi8_u": ("koi8u",),
    "mac_roman": ("macroman", "macintosh", "mac"),
    "cp437": ("cp437", "ibm437", "437"),
    "cp850": ("cp850", "ibm850", "850"),
    "cp852": ("cp852", "ibm852"),
    "cp855": ("cp855", "ibm855"),
    "cp858": ("cp858", "ibm858"),
    "cp866": ("cp866", "ibm866"),
    "cp037": ("cp037", "ibm037"),
    "cp500": ("cp500", "ibm500"),
    "cp1140": ("cp1140", "ibm1140"),
}
_MULTI_BYTE: dict[str, tuple[str, ...]] = {
    "utf_8": ("utf8", "uft8", "utf", "utf8mb4", "unicode11utf8", "utf8n"),
    "utf_7": ("utf7", "unicode11utf7"),
    "utf_16": ("utf16", "unicode", "ucs2", "iso10646ucs2"),
    "utf_16_le": ("utf16le",),
    "utf_16_be": ("utf16be",),
    "utf_32": ("utf32", "ucs4"),
    "gb18030": ("gb2312", "gbk", "gb18030", "cp936", "ms936", "chinese", "euccn", "gb231280"),
    "hz": ("hz", "hzgb2312"),
    "big5hkscs": ("big5", "big5hkscs", "cp950", "bigfive"),
    "cp932": ("shiftjis", "sjis", "mskanji", "cp932", "windows31j"),
    "euc_jp": ("eucjp",),
    "iso2022_jp_2": ("iso2022jp", "iso2022jp1", "iso2022jp2", "csiso2022jp", "jis"),
    "cp949": ("euckr", "ksc5601", "ksc56011987", "ksc56011989", "cp949", "uhc", "korean"),
    "iso2022_kr": ("iso2022kr",),
    "johab": ("johab",),
}
_WIDE = frozenset({"utf_16", "utf_16_le", "utf_16_be", "utf_32"})
_CODECS = {alias: codec for table in (_SINGLE_BYTE, _MULTI_BYTE) for codec, names in table.items() for alias in names}
_DETECTABLE = [
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "koi8_u", "cp866", "mac_cyrillic"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "utf_16", "cp874"),
]
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜÝŸ«»‘’“”„–—…€°ºª¿¡§£\xa0·•´©®™½¼²³")
_MAX_LABEL_CHARS = 100
_LOST = ("charset:replaced", "charset:unreadable")
"""What is worse than a label without meaning."""
_SAFE_GUESSES = ("ascii", "utf_8", "cp1252", "iso2022_jp_2")
"""Recognised by what they look like; any other that was not named is the detector's opinion."""


def codec_of(label: str) -> str:
    """Return the name of the allowed codec for a charset label of a mail, or ``""`` when the label is of no use."""
    name = label[:_MAX_LABEL_CHARS].lower().strip(" \t\"'").split(";")[0].split("*")[0]
    name = _NOT_IN_NAMES.sub("", name.removeprefix("charset=").removeprefix("x-"))
    return _CODECS.get(name.removeprefix("cs") if name not in _CODECS else name, "")


def decode_text(data: bytes, label: str = "") -> Decoded:
    """Decode bytes of a mail. Total: any bytes and any label give text; ``\\n`` is its only line break."""
    if data.isascii() and b"\x1b" not in data and not label:
        return Decoded(clean_text(data.decode("ascii")), "ascii", "")
    for mark, codec in ((b"\xef\xbb\xbf", "utf_8"), (b"\xff\xfe", "utf_16"), (b"\xfe\xff", "utf_16")):
        if data.startswith(mark):
            return Decoded(clean_text(data.decode(codec, "replace").removeprefix("\ufeff")), codec, "")
    text, codec, defect = _by_label(data, label) or _by_looks(data)
    if label and not codec_of(label):
        is_guess = codec not in _SAFE_GUESSES
        defect = defect if defect in _LOST else "charset:unreadable" if is_guess else "charset:unknown"
    elif not label and defect == "charset:mislabelled":
        defect = "charset:detected"
    return Decoded(clean_text(text), codec, defect)


def clean_text(text: str) -> str:
    """Remove what neither people nor PostgreSQL can use (NUL, controls, lone surrogates); lines end in ``\\n``."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNWANTED.search(text) is None:
        return text
    return _CONTROLS.sub("", _SURROGATES.sub("\ufffd", _LINE_BREAKS.sub("\n", text)))


def _by_label(data: bytes, label: str) -> Decoded | None:
    codec = codec_of(label)
    if not codec:
        return None
    if codec in _WIDE and (narrow := _narrow(data)):
        return narrow
    if codec in _SINGLE_BYTE and not data.isascii() and (text := _strict(data, "utf_8")) is not None:
        return Decoded(text, "utf_8", "charset:mislabelled")
    if (text := _strict(data, codec)) is not None:
        return Decoded(text, codec, "")
    if codec == "utf_8":
        return _broken_utf8(data)
    if codec in ("ascii", "cp1252"):
        return None if codec == "ascii" else Decoded(data.decode("cp1252", "replace"), "cp1252", "charset:replaced")
    return Decoded(_tolerant(data, codec), codec, "charset:replaced")


def _narrow(data: bytes) -> Decoded | None:
    """Text in ASCII that calls itself UTF-16 or UTF-32 is none: as such it would be Chinese."""
    return Decoded(data.decode("ascii"), "ascii", "charset:mislabelled") if data.isascii() and 0 not in data else None


def _broken_utf8(data: bytes) -> Decoded | None:
    """Tell damaged UTF-8 (keep it) from another charset that calls itself UTF-8 (None: go by its looks)."""
    text = data.decode("utf_8", "replace")
    broken = text.count("\ufffd")
    intact = sum(map("\x7f".__lt__, text[:100_000])) - broken
    return Decoded(text, "utf_8", "charset:replaced") if intact >= broken else None


def _by_looks(data: bytes) -> Decoded:
    if b"\x1b$" in data and (text := _strict(data, "iso2022_jp_2")) is not None:
        return Decoded(text, "iso2022_jp_2", "charset:detected")
    if (text := _strict(data, "utf_8")) is not None:
        return Decoded(text, "utf_8", "" if data.isascii() else "charset:detected")
    western = data.decode("cp1252", "replace")
    if not _looks_western(western):
        codec = _detect(data)
        if codec and (text := _strict(data, codec)) is not None:
            return Decoded(text, codec, "charset:detected")
        return Decoded(western, "cp1252", "charset:unreadable")
    return Decoded(western, "cp1252", "charset:replaced" if "\ufffd" in western else "charset:mislabelled")


def _looks_western(text: str) -> bool:
    """Whether the text reads as a western language: few characters beyond ASCII, nearly all of them usual there."""
    sample = text[:8_000]
    high = [c for c in sample if c > "\x7f"]
    usual = sum(c in _WESTERN for c in high)
    return len(high) <= 0.2 * len(sample) and usual >= 0.9 * len(high)


def _detect(data: bytes) -> str:
    # The detector is third-party code over hostile bytes, and its answer is a guess in any case.
    try:
        best = charset_normalizer.from_bytes(
            data[: DEFAULT_LIMITS.detection_bytes], cp_isolation=_DETECTABLE, enable_fallback=False
        ).best()
    except Exception:  # noqa: BLE001
        return ""
    return best.encoding if best is not None else ""


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _tolerant(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec, "replace")
    except (UnicodeError, ValueError):
        return data.decode("cp1252", "replace")
