"""What holds a conversation together: admission, replies, errors, and the end.

Fails:  an error nobody foresaw is 451 without detail, never 5xx: a bug of ours must not bounce a customer.
"""

import asyncio
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP

from itaca.observability.logs import place_of
from itaca.observability.metrics import Metrics
from services.ingest.door import Door
from services.ingest.handler import Acceptance
from services.ingest.replies import (
    CLOSING,
    IDLE,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_ERRORS,
    UNFORESEEN,
    enhanced,
    reason_of,
)
from services.ingest.sessions import Sessions
from services.ingest.users import Users

log = structlog.get_logger()

_CALLS = {
    "NOOP": 100,
    "EHLO": 5,
    "HELO": 5,
    "LHLO": 5,
    "STARTTLS": 5,
    "AUTH": 5,
    "VRFY": 20,
    "HELP": 5,
    "MAIL": 100_000,
    "RCPT": 1_000_000,
    "DATA": 100_000,
    "*": 1000,
}
"""How often a connection may say a command; whatever carries mail may come for as long as mail comes."""


@dataclass(frozen=True)
class SessionRules:
    """What one listener grants each session; durations in seconds, sizes in bytes."""

    hostname: str
    size_limit_bytes: int
    idle_timeout_s: float
    data_grace_s: float
    data_limit_s: float
    min_rate: int
    error_limit: int
    tls: SSLContext | None = None
    users: Users | None = None


class Conversation(SMTP):
    """One connection. Attributes beginning with ``_`` that are not set here are aiosmtpd's."""

    session: Any
    envelope: Any
    transport: Any
    _timeout_handle: Any
    _handler_coroutine: Any

    line_length_limit = 65536

    def __init__(
        self, rules: SessionRules, door: Door, acceptance: Acceptance, sessions: Sessions, metrics: Metrics
    ) -> None:
        self._rules, self._door, self._acceptance, self._sessions = rules, door, acceptance, sessions
        self._metrics = metrics
        self._is_admitted: bool | None = None
        self._repeats = 1
        self._errors = 0
        self.client = ""
        self.is_receiving = False
        """Between 354 and the reply to the mail."""
        super().__init__(
            door,
            data_size_limit=rules.size_limit_bytes,
            enable_SMTPUTF8=True,
            hostname=rules.hostname,
            ident="Itaca",
            tls_context=rules.tls,
            timeout=rules.idle_timeout_s,
            command_call_limit=_CALLS,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: Any) -> None:
        if self._is_admitted:  # Again, over TLS: the same connection.
            super().connection_made(transport)
            return
        peer = transport.get_extra_info("peername")
        self.client = peer[0] if isinstance(peer, tuple) else ""
        self._is_admitted = not self._door.is_closing and self._door.connections.enter(self.client)
        if not self._is_admitted:
            reply = CLOSING if self._door.is_closing else TOO_MANY_CONNECTIONS
            self._metrics.deferred.labels(reason_of(reply)).inc()
            transport.write(f"{reply}\r\n".encode())
            transport.close()
            return
        self._metrics.connections.inc()
        self._sessions.add(self)
        super().connection_made(transport)
        self._handler_coroutine.add_done_callback(_retrieve)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_admitted:
            return
        if self._sessions.discard(self):
            self._door.connections.leave(self.client)
            self._metrics.connections.dec()
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._is_admitted else False

    def data_received(self, data: bytes) -> None:
        if self._is_admitted:
            super().data_received(data)

    async def handle_exception(self, error: Exception) -> str:
        """Answer 451 without detail; the log gets the type and the place, which hold nobody's data."""
        log.error("ingest.session_failed", error=type(error).__name__, where=place_of(error))
        return UNFORESEEN

    async def push(self, status: str | bytes) -> None:
        """Send one reply with its enhanced code, counted; once per recipient where LMTP owes it so."""
        text = status if isinstance(status, str) else status.decode("utf-8", "replace")
        if text[:3] != "220" and text[3:4] == " ":
            text = enhanced(text)
        self._count(text)
        repeats, self._repeats = self._repeats, 1
        line = text.encode("utf-8", "replace") + b"\r\n"
        self._writer.write(line * repeats)
        await self._writer.drain()
        if text.startswith("421"):
            self._hang_up()
        elif self._errors > self._rules.error_limit:
            self._errors = 0
            await self.push(TOO_MANY_ERRORS)

    def _count(self, text: str) -> None:
        if text[0] == "5":
            self._errors += 1
            self._metrics.refused.labels(reason_of(text)).inc()
        elif text[0] == "4":
            self._metrics.deferred.labels(reason_of(text)).inc()

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _timeout_cb(self) -> None:
        """Tell a client that said no whole command in time, and hang up (RFC 5321, 4.5.3.2)."""
        self._metrics.deferred.labels(reason_of(IDLE)).inc()
        self._say_last(IDLE)

    def say_closing(self) -> None:
        """Tell an idle client that the door closes, and close (RFC 5321, 3.8)."""
        self._say_last(CLOSING)

    def _say_last(self, reply: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(f"{reply}\r\n".encode())
            self.transport.close()

    def _set_rset_state(self) -> None:
        super()._set_rset_state()  # type: ignore[no-untyped-call]

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]


def _retrieve(task: "asyncio.Task[None]") -> None:
    """Look at how a session ended, so that a reset connection is not reported as an error nobody saw."""
    if not task.cancelled():
        task.exception()
