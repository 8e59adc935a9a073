"""Microsoft's ``winmail.dat`` (MS-OXTNEF): the text and the files inside, as far as they can be opened."""

import warnings
from typing import NamedTuple

from tnefparse import TNEF

from itaca.mail.charsets import decode_text

CONTENT_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


class TnefContent(NamedTuple):
    """What was inside; the names are as hostile as any."""

    text: str
    html: str
    files: tuple[tuple[str, bytes], ...]


def read_tnef(data: bytes) -> TnefContent | None:
    """Open a winmail.dat; None if it cannot be opened."""
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


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return decode_text(value).text
    return value if isinstance(value, str) else ""
