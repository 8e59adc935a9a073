"""Hands mail files over by SMTP, as a mail server would: several connections, and again later what was put off."""

import asyncio
import random
import re
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from itaca.cli.letters import Letter, LetterSource, find_letters
from itaca.clock import Clock, SystemClock
from itaca.contracts.ids import MailId
from itaca.errors import TransientError

NOBODY = "cliente@localhost"
US = "reclami@localhost"
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_ATTEMPTS = 8
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 15.0
_TIMEOUT_S = 60.0
_KNOCK_S = 10.0


@dataclass(frozen=True)
class Sent:
    """An accepted mail: where it came from, and the id it got (empty when the server is not Itaca)."""

    name: str
    mail_id: MailId


@dataclass(frozen=True)
class NotSent:
    """A mail that was not taken: ``reply`` is what the server said last; ``is_refused`` when it said never."""

    name: str
    reply: str
    is_refused: bool


@dataclass
class SendReport:
    """What became of every mail."""

    accepted: list[Sent] = field(default_factory=list)
    not_sent: list[NotSent] = field(default_factory=list)
    put_off: int = 0
    """How often a mail had to be offered again."""

    @property
    def is_complete(self) -> bool:
        return not self.not_sent


async def send_files(
    paths: Sequence[Path],
    host: str,
    port: int,
    *,
    sender: str = "",
    recipient: str = "",
    concurrency: int = 4,
    limit: int = 0,
    progress: Callable[[int, int], None] | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> SendReport:
    """Send every mail under ``paths`` and report each.

    Args:
        sender: envelope sender of all; empty takes the From of each mail.
        recipient: envelope recipient of all; empty takes the To of each mail.
        concurrency: connections at a time.
        limit: send at most so many mails, the first ones; 0 sends all.
        progress: told after each mail how many are done, and how many there are.

    Raises:
        PermanentError: a path is not there, or holds what is no mail.
        TransientError: nobody listens there; nothing was sent.
    """
    sources = find_letters(paths)
    sources = sources[:limit] if limit else sources
    await _knock(host, port)
    sending = _Sending(
        sources, host, port, sender, recipient, progress, clock or SystemClock(), rng or random.Random()
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(max(1, min(concurrency, len(sources)))):
            group.create_task(sending.work())
    return sending.report


async def _knock(host: str, port: int) -> None:
    """Find out at once, rather than by every mail's patience, that there is nobody to send to."""
    try:
        async with asyncio.timeout(_KNOCK_S):
            _, writer = await asyncio.open_connection(host, port)
    except socket.gaierror as error:
        raise TransientError(f"no machine is called {host}; is --host right?") from error
    except OSError as error:
        raise TransientError(f"nobody listens at {host}:{port}; `itaca up` starts Itaca on port 2525") from error
    writer.close()


class _Sending:
    """The state that the connections of one run share."""

    def __init__(
        self,
        sources: Sequence[LetterSource],
        host: str,
        port: int,
        sender: str,
        recipient: str,
        progress: Callable[[int, int], None] | None,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._waiting = deque(sources)
        self._total = len(sources)
        self._host, self._port = host, port
        self._sender, self._recipient = sender, recipient
        self._progress, self._clock, self._rng = progress, clock, rng
        self._done = 0
        self.report = SendReport()

    async def work(self) -> None:
        """Send until nothing waits, over one connection that is opened again when it breaks."""
        client = SMTP(hostname=self._host, port=self._port, timeout=_TIMEOUT_S, start_tls=False)
        try:
            while self._waiting:
                source = self._waiting.popleft()
                await self._send(client, source)
                self._done += 1
                if self._progress is not None:
                    self._progress(self._done, self._total)
        finally:
            client.close()

    async def _send(self, client: SMTP, source: LetterSource) -> None:
        try:
            letter = source.load()
        except OSError as error:
            reply = f"the file cannot be read ({error.strerror})"
            self.report.not_sent.append(NotSent(source.name, reply, is_refused=False))
            return
        reply = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.report.put_off += 1
                await self._clock.sleep(self._pause_s(attempt))
            try:
                answer = await self._offer(client, letter)
            except (SMTPException, OSError) as error:
                reply = _said(error)
                if reply.startswith("5"):
                    self.report.not_sent.append(NotSent(source.name, reply, is_refused=True))
                    return
            else:
                found = _ID.search(answer)
                self.report.accepted.append(Sent(source.name, MailId(found[0] if found else "")))
                return
        self.report.not_sent.append(NotSent(source.name, reply, is_refused=False))

    async def _offer(self, client: SMTP, letter: Letter) -> str:
        if not client.is_connected:
            await client.connect()
        sender = self._sender or letter.sender or NOBODY
        recipient = self._recipient or letter.recipient or US
        _, answer = await client.sendmail(sender, [recipient], letter.raw)
        return answer

    def _pause_s(self, attempt: int) -> float:
        longest_s: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
        return longest_s * self._rng.uniform(0.5, 1.0)


def _said(error: Exception) -> str:
    """Return the server's reply, or the kind of failure when it gave none."""
    if isinstance(error, SMTPRecipientsRefused):
        return _said(error.recipients[0])
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"
    return f"no answer ({type(error).__name__})"
