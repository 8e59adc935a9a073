"""What goes into a column: raw mail, compressed and the same bytes when it comes back; text both databases take."""

import threading

import zstandard

from itaca.errors import PermanentError

CODEC = "zstd"
_LEVEL = 3


class _Tools(threading.local):
    """One of each per thread: they may not be shared, and making one costs more than packing a mail."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_tools = _Tools()


def compress(raw: bytes) -> bytes:
    """Return the bytes packed by the codec named ``CODEC``."""
    return _tools.compressor.compress(raw)


def decompress(codec: str, packed: bytes) -> bytes:
    """Return the bytes as they were accepted.

    Raises:
        PermanentError: an unknown codec, or bytes that are no frame of it: the storage is damaged.
    """
    if codec != CODEC:
        raise PermanentError(f"raw mail is packed by {codec!r}, which this Itaca does not know")
    try:
        return _tools.decompressor.decompress(packed)
    except zstandard.ZstdError:
        raise PermanentError("the raw mail is damaged: it cannot be unpacked") from None


def storable(text: str) -> str:
    """Return the text without what a column cannot hold: NUL (PostgreSQL), lone surrogates (both)."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
