"""Another system that takes webhooks: it answers as told and keeps what it got."""

import asyncio
import contextlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """One request; names of headers in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A small HTTP server. ``answers`` are statuses given one after another, then 200.

    ``is_silent``: it never answers. ``is_dripping``: its answer comes line by line and never ends.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answers: list[int] = []
        self.is_silent = self.is_dripping = False
        self.url = ""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/itaca?from=here"

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._serve(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (one.partition(": ") for one in rest if one)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.taken.append(Taken(line, headers, body))
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_dripping:
            await _drip(writer)
        status = self.answers.pop(0) if self.answers else 200
        where = "location: http://127.0.0.1:1/elsewhere\r\n" if status == 301 else ""
        writer.write(f"HTTP/1.1 {status} x\r\n{where}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Begin an answer and go on with it until the other side has had enough."""
    writer.write(b"HTTP/1.1 200 x\r\n")
    while not writer.is_closing():
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
