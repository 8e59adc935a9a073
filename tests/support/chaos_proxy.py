"""A TCP proxy that misbehaves on command, to stand between a client and a server in a test."""

import asyncio
import contextlib
import socket
import struct

Mode = str
"""``pass``, ``refuse``, ``blackhole``, ``freeze``, ``rst``, ``cut_reply``, ``cut_after:<bytes>``, ``delay:<ms>``,
``trickle:<bytes per second>``, ``half_close``.

refuse: new connections are reset at once. blackhole: they are accepted and nothing is forwarded. freeze: what is
open stays open and silent. rst: the next byte either way resets both sides. cut_reply: requests pass, the first byte
of an answer resets both sides. cut_after:n: after n more bytes from the client, the rest of them lost, both sides are
reset. delay:ms: every chunk waits. trickle:n: bytes pass at that rate, each way. half_close: at the next answer the
client is told that the server has ended (FIN) and hears nothing more, while what it says is still forwarded.
"""

_CHUNK_BYTES = 64 * 1024


class ChaosProxy:
    """Forwards to ``target`` as ``mode`` says; the mode may change while connections are open.

    Attributes:
        mode: see ``Mode``.
        port: where to connect, on 127.0.0.1.
        opened: connections accepted so far.
        from_client: bytes forwarded to the server so far.
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.mode: Mode = "pass"
        self.port = self.opened = self.from_client = 0
        self._target = (target_host, target_port)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> "ChaosProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset_all()
        await asyncio.gather(*(link.ended.wait() for link in self._links))

    async def set(self, mode: Mode) -> None:
        """Change the mode for open and new connections."""
        self.mode = mode
        if mode.startswith("cut_after:"):
            for link in self._links:
                link.left = int(mode.partition(":")[2])
        async with self._changed:
            self._changed.notify_all()

    def reset_all(self) -> None:
        """Reset every open connection on both sides."""
        for link in list(self._links):
            link.reset()

    def freeze_open(self) -> None:
        """Silence the connections that are open now, for good; new ones pass: a peer that died without a word."""
        for link in self._links:
            link.is_dead = True

    async def until_not(self, *modes: Mode) -> None:
        """Wait until the mode is none of these."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.mode not in modes)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        link = _Link(self, writer)
        self._links.add(link)
        try:
            if self.mode != "refuse":
                await link.run(reader, self._target)
        finally:
            link.reset()
            link.ended.set()
            self._links.discard(link)


class _Link:
    """One client and its server."""

    def __init__(self, proxy: ChaosProxy, client: asyncio.StreamWriter) -> None:
        self.is_dead = self.is_half_closed = False
        self.left = 0
        self.ended = asyncio.Event()
        self._proxy = proxy
        self._writers = [client]
        self._pumps: list[asyncio.Task[None]] = []

    def reset(self) -> None:
        """Close both sides with RST instead of FIN."""
        for pump in self._pumps:
            pump.cancel()
        for writer in self._writers:
            endpoint = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def run(self, reader: asyncio.StreamReader, target: tuple[str, int]) -> None:
        """Forward until one side ends."""
        await self._proxy.until_not("blackhole")
        with contextlib.suppress(OSError, asyncio.CancelledError):
            server_reader, server = await asyncio.open_connection(*target)
            self._writers.append(server)
            client = self._writers[0]
            mode, _, limit = self._proxy.mode.partition(":")
            self.left = int(limit) if mode == "cut_after" else 0
            loop = asyncio.get_running_loop()
            self._pumps = [
                loop.create_task(self._pump(reader, server, is_request=True)),
                loop.create_task(self._pump(server_reader, client, is_request=False)),
            ]
            await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._proxy.until_not("freeze")
                data, ends = await self._mangled(data, is_request)
                if self.is_dead or (not is_request and self._closes_half(writer)):
                    continue
                writer.write(data)
                await writer.drain()
                self._proxy.from_client += len(data) if is_request else 0
                if ends:
                    return

    async def _mangled(self, data: bytes, is_request: bool) -> tuple[bytes, bool]:
        """Return what may pass, and whether the connection ends after it."""
        mode, _, argument = self._proxy.mode.partition(":")
        if mode == "rst" or (mode == "cut_reply" and not is_request):
            return b"", True
        if mode == "cut_after" and is_request:
            data, ends = data[: self.left], len(data) >= self.left
            self.left -= len(data)
            return data, ends
        if mode == "delay":
            await asyncio.sleep(int(argument) / 1000)
        if mode == "trickle":
            await asyncio.sleep(len(data) / int(argument))
        return data, False

    def _closes_half(self, client: asyncio.StreamWriter) -> bool:
        """Say whether an answer is swallowed because the client was told that there is no more."""
        if self._proxy.mode == "half_close" and not self.is_half_closed:
            self.is_half_closed = True
            client.write_eof()
        return self.is_half_closed
