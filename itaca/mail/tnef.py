"""Microsoft's ``winmail.dat`` (MS-OXTNEF): the text and the files inside, as far as they can be opened."""

import struct
import warnings
from typing import NamedTuple

from tnefparse import TNEF

from itaca.mail.charsets import decode_text
from itaca.mail.limits import DEFAULT_LIMITS, Limits

CONTENT_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_OBJECT = struct.Struct("<BHHI")
_SIGNATURE_BYTES = 6
_CHECKSUM_BYTES = 2
_PROPERTY_LISTS = (0x9003, 0x9005)
"""attMAPIProps and attAttachment (MS-OXTNEF, 2.1.3.2): they begin with the number of their properties."""


class TnefContent(NamedTuple):
    """What was inside; the names are as hostile as any."""

    text: str
    html: str
    files: tuple[tuple[str, bytes], ...]


def read_tnef(data: bytes, limits: Limits = DEFAULT_LIMITS) -> TnefContent | None:
    """Open a winmail.dat; None if it cannot be opened, or holds so many objects that opening it would take long."""
    if _count_objects(data, limits.tnef_objects) > limits.tnef_objects:
        return None
    # tnefparse raises whatever its struct and codec calls raise on a torn file.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(TNEF(data, do_checksum=False))
    except Exception:  # noqa: BLE001
        return None


def _read(tnef: TNEF) -> TnefContent:
    files = tuple((str(a.long_filename() or a.name or ""), bytes(a.data or b"")) for a in tnef.attachments)
    return TnefContent(_text(getattr(tnef, "body", "")), _text(getattr(tnef, "htmlbody", "")), files)


def _count_objects(data: bytes, enough: int) -> int:
    """Count objects and properties by their headers alone, and stop when it is more than ``enough``: the library
    copies what is left of the file for each of them."""
    count, offset = 0, _SIGNATURE_BYTES
    while offset + _OBJECT.size <= len(data) and count <= enough:
        _, name, _, length = _OBJECT.unpack_from(data, offset)
        offset += _OBJECT.size
        count += 1
        if name in _PROPERTY_LISTS:
            count += int.from_bytes(data[offset : offset + 4], "little")
        offset += length + _CHECKSUM_BYTES
    return count


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return decode_text(value).text
    return value if isinstance(value, str) else ""
