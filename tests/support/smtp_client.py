"""A raw SMTP client that says exactly what a script says, byte by byte, and never waits without a deadline."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator

DEADLINE_S = 30.0


class SmtpClient:
    """One conversation. Replies are returned whole, lines joined by ``\\n``, without the last line end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self, deadline_s: float = DEADLINE_S) -> str:
        """Read one reply; empty when the server closed the connection."""
        lines = []
        async with asyncio.timeout(deadline_s):
            while True:
                line = (await self.reader.readline()).decode().rstrip("\r\n")
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        async with asyncio.timeout(DEADLINE_S):
            await self.writer.drain()

    async def say(self, command: str) -> str:
        """Send one command line and return the reply."""
        await self.send(command.encode() + b"\r\n")
        return await self.reply()

    async def open_data(self, sender: str = "a@example.org", *recipients: str) -> str:
        """Go from the greeting, or from the last mail, to 354."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        for recipient in recipients or ("reclami@shop.example",):
            assert (await self.say(f"RCPT TO:<{recipient}>")).startswith("250")
        return await self.say("DATA")

    async def mail(self, raw: bytes, sender: str = "a@example.org", *recipients: str) -> str:
        """Hand over one mail, dots made transparent, and return the (first) reply to it."""
        opened = await self.open_data(sender, *recipients)
        assert opened.startswith("354"), opened
        await self.send(stuffed(raw))
        return await self.reply()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Say STARTTLS and shake hands."""
        assert (await self.say("STARTTLS")).startswith("220")
        async with asyncio.timeout(DEADLINE_S):
            await self.writer.start_tls(context, server_hostname="localhost")

    async def login_plain(self, name: str, password: str) -> str:
        """Say AUTH PLAIN with an initial response (RFC 4954)."""
        return await self.say("AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()).decode())

    async def is_closed(self) -> bool:
        """Say whether the server closes without another word."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.read(1) == b""

    def hang_up(self) -> None:
        """Reset the connection without a word."""
        self.writer.transport.abort()


def stuffed(raw: bytes) -> bytes:
    """Return the mail as it travels (RFC 5321, 4.5.2), the end of data included; its lines end with CRLF."""
    body = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    return body + (b"" if not body or body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


@contextlib.asynccontextmanager
async def connected(
    port: int, *, hello: str = "EHLO client.example", host: str = "127.0.0.1"
) -> AsyncIterator[SmtpClient]:
    """Connect, read the greeting and say hello (nothing when ``hello`` is empty)."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    client = SmtpClient(reader, writer)
    try:
        if hello:
            assert (await client.reply()).startswith("220")
            assert (await client.say(hello)).startswith("250")
        yield client
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(2):
                await writer.wait_closed()
