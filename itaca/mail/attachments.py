"""Files that came with a mail: their names made harmless, their decoded bytes hashed, their number bounded."""

import hashlib
import re
import unicodedata

from itaca.mail.charsets import clean_text
from itaca.mail.defects import Defects
from itaca.mail.limits import Limits
from itaca.mail.model import Attachment

_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_MAX_CHARS = 1_000
_UNSAFE = re.compile(r'[<>:"|?*\s]+')
_EXTENSIONS = {
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "application/pdf": ".pdf",
}


class Attachments:
    """Collects the files of one mail; with ``keep_data`` also their bytes, for whoever wants to save them."""

    is_listing = True
    """False when files are forgotten at once, so that nobody need decode them."""

    def __init__(self, limits: Limits, defects: Defects, keep_data: bool = False) -> None:
        self._limits = limits
        self._defects = defects
        self._keep_data = keep_data
        self._names: dict[str, int] = {}
        self.found: list[Attachment] = []
        self.data: list[bytes] = []

    def add(self, name: str, content_type: str, data: bytes) -> None:
        """Take in one file under a clean and unique name; beyond the limit only a defect remains."""
        if len(self.found) >= self._limits.attachments:
            self._defects.limit("attachments")
            return
        fallback = "file" + _EXTENSIONS.get(content_type, "")
        unique = self._unique(clean_name(name, self._limits.name_bytes) or fallback)
        digest = hashlib.sha256(data).hexdigest()
        kind = content_type if content_type.isascii() and content_type.isprintable() else "application/octet-stream"
        self.found.append(Attachment(name=unique, content_type=kind[:160], size_bytes=len(data), sha256=digest))
        if self._keep_data:
            self.data.append(data)

    def without_memory(self) -> "Attachments":
        """Return a collector that keeps nothing: for parts whose files are listed already."""
        return _Nothing(self._limits, self._defects)

    def _unique(self, name: str) -> str:
        count = self._names.get(name, 0) + 1
        self._names[name] = count
        if count == 1:
            return name
        stem, dot, extension = name.rpartition(".")
        numbered = f"{stem or extension} ({count}){dot}{extension}" if stem else f"{name} ({count})"
        self._names.setdefault(numbered, 1)
        return numbered


class _Nothing(Attachments):
    """Takes in files and forgets them."""

    is_listing = False

    def add(self, name: str, content_type: str, data: bytes) -> None:
        return None


def clean_name(name: str, max_bytes: int) -> str:
    """Return a file name without path, control and bidi characters, of at most ``max_bytes`` in UTF-8; may be empty.

    ``exe.gpj`` behind a right-to-left override, ``..\\..\\x`` and ``CON.txt`` come out as plain names.
    """
    whole = name if len(name) <= _MAX_CHARS else name[: _MAX_CHARS // 2] + name[-_MAX_CHARS // 2 :]
    text = unicodedata.normalize("NFC", clean_text(whole))
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    text = text.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    text = _UNSAFE.sub(" ", text).strip(" .")
    if _RESERVED.match(text):
        text = "_" + text
    return _cut(text, max_bytes)


def _cut(name: str, max_bytes: int) -> str:
    """Shorten the stem and keep a short extension, which tells people what the file is."""
    data = name.encode("utf-8")
    if len(data) <= max_bytes:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = (dot + extension).encode("utf-8") if stem and len(extension) <= 10 else b""
    kept = (stem if ending else name).encode("utf-8")[: max_bytes - len(ending)]
    return kept.decode("utf-8", "ignore").rstrip(" .") + ending.decode("utf-8")
