"""One SMTP conversation in memory: the session of ingest fed with bytes, without a socket and without waiting."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from itaca.clock import SystemClock
from itaca.contracts.ids import MailId
from itaca.mail.model import Envelope
from itaca.observability.metrics import Metrics
from itaca.storage.intake import Accepted
from services.ingest.conversation import SessionRules
from services.ingest.door import Door, Recipients
from services.ingest.handler import Acceptance
from services.ingest.limits import BytesInHand, Connections, FreeSpace, Network
from services.ingest.lmtp import LmtpSession
from services.ingest.sessions import Sessions
from services.ingest.settings import IngestSettings
from services.ingest.smtp import SmtpSession

SIZE_LIMIT_BYTES = 3_000
_QUIET_ROUNDS = 25
_MAX_ROUNDS = 100_000
_NETWORKS: Sequence[Network] = IngestSettings.model_fields["networks"].default


class Wire(asyncio.Transport):
    """A transport that keeps what was said and leads nowhere."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 40_000)})
        self._loop, self._protocol = loop, protocol
        self.said = bytearray()
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._is_closing:
            self.said += data

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def pause_reading(self) -> None:
        return None

    def resume_reading(self) -> None:
        return None


@dataclass
class Heard:
    """What came of a conversation: every byte the server said, and the mails it took."""

    said: bytes = b""
    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def accept(self, envelope: Envelope, raw: bytes, client: str) -> Accepted:
        """Commit like the ledger, under a number instead of a random id."""
        self.mails.append((envelope, raw))
        return Accepted(MailId(f"mail-{len(self.mails)}"), False)


def converse(pieces: Sequence[bytes], is_lmtp: bool = False) -> Heard:
    """Feed the pieces one after the other, each when the server has nothing more to say; then hang up."""
    return _runner().run(_converse(pieces, LmtpSession if is_lmtp else SmtpSession))


def end() -> None:
    """Close the event loop that all conversations of this process share."""
    _runner().close()
    _runner.cache_clear()


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _metrics() -> Metrics:
    return Metrics()


async def _converse(pieces: Sequence[bytes], kind: type[SmtpSession]) -> Heard:
    loop, heard = asyncio.get_running_loop(), Heard()
    loop.set_exception_handler(lambda _, context: heard.errors.append(str(context.get("message"))))
    session = _session(kind, heard)
    wire = Wire(loop, session)
    session.connection_made(wire)
    await _quiet(wire)
    for piece in pieces:
        if not wire.is_closing():
            session.data_received(piece)
            await _quiet(wire)
    if not wire.is_closing():
        session.eof_received()
        wire.close()
    await _quiet(wire)
    heard.said = bytes(wire.said)
    return heard


async def _quiet(wire: Wire) -> None:
    """Let the server work until it has said nothing for a while; nothing in here waits for a clock."""
    heard_bytes, rounds = len(wire.said), 0
    for _ in range(_MAX_ROUNDS):
        await asyncio.sleep(0)
        rounds = rounds + 1 if len(wire.said) == heard_bytes else 0
        heard_bytes = len(wire.said)
        if rounds >= _QUIET_ROUNDS:
            return
    raise AssertionError("the server never stops talking")


def _session(kind: type[SmtpSession], heard: Heard) -> SmtpSession:
    clock = SystemClock()
    door = Door(
        networks=_NETWORKS,
        recipients=Recipients.named(["@shop.example", "b@c.example"]),
        max_recipients=5,
        connections=Connections(10, 10, ()),
        bytes_in_hand=BytesInHand(1 << 22),
        free_space=FreeSpace(lambda: 1 << 40, SIZE_LIMIT_BYTES, 0, clock),
    )
    acceptance = Acceptance(
        heard, lambda arrival: None, _metrics(), clock, listener="fuzz", timeout_s=30.0, max_hops=5
    )
    rules = SessionRules(
        hostname="itaca.example",
        size_limit_bytes=SIZE_LIMIT_BYTES,
        idle_timeout_s=300.0,
        data_grace_s=60.0,
        data_limit_s=600.0,
        min_rate=1,
        error_limit=8,
    )
    return kind(rules, door, acceptance, Sessions(), _metrics())


REPLY = re.compile(rb"[2345]\d\d[ -][^\r\n]*\r\n")
"""One line of a reply."""
