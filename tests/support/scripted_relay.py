"""A mail server on loopback that says what its script tells it, and falls silent or hangs up where it should."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

HANG_UP = "hang up"
SILENCE = "silence"


@dataclass
class ScriptedRelay:
    """``script`` maps a step to its answer: connect, EHLO, MAIL, RCPT, DATA, text; others are answered with 250.

    ``mails`` are the texts that were received whole, dots still doubled; ``commands`` every line that was said.
    """

    script: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0
    _conversations: set[asyncio.Task[None]] = field(default_factory=set)
    _silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation."""
        task = asyncio.current_task()
        if task is not None:
            self._conversations.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await self._say(writer, "connect", "220 relay"):
                while line := await reader.readline():
                    if not await self._answer(line.decode().strip(), reader, writer):
                        break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.commands.append(line)
        verb = line.split(" ")[0].upper()
        if verb == "DATA":
            if not await self._say(writer, "DATA", "354 go on"):
                return False
            if "DATA" not in self.script:
                self.mails.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                return await self._say(writer, "text", "250 taken")
            return True
        return await self._say(writer, verb, "221 bye" if verb == "QUIT" else "250 ok")

    async def _say(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
        answer = self.script.get(step, usual)
        if answer == HANG_UP:
            return False
        if answer == SILENCE:
            await self._silent.wait()
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True

    async def close(self) -> None:
        """End the silences and wait for the last conversation."""
        self._silent.set()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=5)


@contextlib.asynccontextmanager
async def scripted_relay(**script: str) -> AsyncIterator[ScriptedRelay]:
    """Run a relay with this script until the end of the block."""
    relay = ScriptedRelay(script)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.close()
        await server.wait_closed()
