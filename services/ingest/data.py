"""The DATA phase: bytes until <CRLF>.<CRLF> and nothing else, bounded in size, in memory and in time.

Only <CRLF>.<CRLF> ends the data (RFC 5321, 4.1.1.4): a dot between bare line feeds stays inside the mail, so a
second mail smuggled behind it stays harmless text. Lines may have any length; CR, LF and NUL are bytes like others.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from services.ingest.limits import Lease
from services.ingest.replies import MEMORY_LOW, TOO_LARGE, RefusedError

END = b"\r\n.\r\n"
_CHUNK_BYTES = 1 << 20
"""More than a StreamReader ever holds (twice its limit and one packet), so that each read empties it."""


class ByteStream(Protocol):
    """What is asked of asyncio.StreamReader."""

    async def read(self, n: int = -1) -> bytes: ...

    def feed_data(self, data: bytes) -> None: ...


class EndlessError(RefusedError):
    """The client goes on sending after its mail was refused: the connection is closed."""


class DataReader:
    """Reads one mail. ``received_bytes`` grows with what came in, for the deadline.

    The wire may carry up to half as much again as ``size_limit_bytes``, because the transparent dots of
    RFC 5321, 4.5.2 do not count for SIZE (RFC 1870, 5); the exact size is checked at the end. A mail that is
    refused is read to its end, up to twice the limit, so that the client sees the reply. One chunk more is let in
    each time, because pipelined commands may come in the same packets.
    """

    def __init__(self, stream: ByteStream, size_limit_bytes: int, lease: Lease) -> None:
        self._stream = stream
        self._size_limit = size_limit_bytes
        self._lease = lease
        self._kept = bytearray(b"\r\n")
        self._refusal: str | None = None
        self.received_bytes = 0

    async def read(self) -> bytes:
        """Return the mail without transparent dots; what follows the end is given back to the stream.

        Raises:
            RefusedError: too large, or too many bytes in hand.
            EndlessError: the same, and the client did not stop.
        """
        kept = self._kept
        while True:
            chunk = await self._stream.read(_CHUNK_BYTES)
            if not chunk:
                raise asyncio.IncompleteReadError(b"", None)
            self.received_bytes += len(chunk)
            searched = max(0, len(kept) - len(END) + 1)
            kept += chunk
            end = kept.find(END, searched)
            self._admit(len(chunk))
            if end >= 0:
                break
            if self._refusal is not None:
                self._discard(self._refusal)
        if end + len(END) < len(kept):
            self._stream.feed_data(bytes(memoryview(kept)[end + len(END) :]))
        if self._refusal is not None:
            raise RefusedError(self._refusal)
        return self._unstuffed(end)

    def _admit(self, arrived_bytes: int) -> None:
        if self._refusal is not None:
            return
        if self.received_bytes > self._size_limit * 3 // 2 + _CHUNK_BYTES:
            self._refusal = TOO_LARGE
        elif not self._lease.grow(arrived_bytes):
            self._refusal = MEMORY_LOW

    def _discard(self, refusal: str) -> None:
        """Keep only what may be the beginning of the end."""
        del self._kept[: 1 - len(END)]
        self._lease.release()
        if self.received_bytes > self._size_limit * 2 + _CHUNK_BYTES:
            raise EndlessError(refusal)

    def _unstuffed(self, end: int) -> bytes:
        """Cut at the end and remove the transparent dots (RFC 5321, 4.5.2)."""
        kept = self._kept
        del kept[end + 2 :]
        if b"\r\n." in kept:
            kept = kept.replace(b"\r\n.", b"\r\n")
        if len(kept) - 2 > self._size_limit:
            raise RefusedError(TOO_LARGE)
        with memoryview(kept) as view:
            return bytes(view[2:])


class DataWatch:
    """Cuts a DATA phase that is slower than it may be: ``grace_s`` and then ``min_rate`` bytes a second on average,
    ``limit_s`` in all. One timer for the whole phase: a time limit per read costs more than the reading."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        received_bytes: Callable[[], int],
        on_late: Callable[[], None],
        *,
        grace_s: float,
        min_rate: int,
        limit_s: float,
    ) -> None:
        self._loop = loop
        self._received_bytes = received_bytes
        self._on_late = on_late
        self._grace_s, self._min_rate, self._limit_s = grace_s, min_rate, limit_s
        self._began = loop.time()
        self._timer = loop.call_later(min(grace_s, limit_s), self._look)

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        allowed_s = min(self._limit_s, self._grace_s + self._received_bytes() / self._min_rate)
        left_s = self._began + allowed_s - self._loop.time()
        if left_s <= 0:
            self._on_late()
        else:
            self._timer = self._loop.call_later(left_s, self._look)
