"""A mail server on loopback that keeps what Itaca sends, so that a test can read what customers would."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port

REFERENCE = re.compile(r"IT-[0-9A-Z]{5}-[0-9A-Z]{5}")


@dataclass(frozen=True)
class Received:
    """One mail that left Itaca."""

    sender: str
    recipient: str
    message: EmailMessage

    @property
    def is_acknowledgement(self) -> bool:
        return str(self.message["Auto-Submitted"]) == "auto-replied"

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @property
    def references(self) -> list[str]:
        """The case references that the text names, in order."""
        return list(dict.fromkeys(REFERENCE.findall(self.text)))


class Relay:
    """Takes every mail; ``reply`` other than 250 is what it answers to the final dot.

    With ``hangs_up`` it takes the mail and hangs up instead of answering the final dot (RFC 1047).
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.reply = "250 taken"
        self.hangs_up = False
        self.port = free_port()
        self._controller = Controller(_Hooks(self), hostname="127.0.0.1", port=self.port)

    @property
    def acknowledgements(self) -> list[Received]:
        return [mail for mail in self.received if mail.is_acknowledgement]

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()


class _Hooks:
    """What aiosmtpd calls; apart, because it reads every attribute of its handler anew for each connection."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        relay = self._relay
        if relay.reply.startswith("250"):
            raw = envelope.content if isinstance(envelope.content, bytes) else b""
            message = email.message_from_bytes(raw, policy=default)
            for recipient in envelope.rcpt_tos:
                relay.received.append(Received((envelope.mail_from or "").strip("<>"), recipient, message))
        if relay.hangs_up and server.transport is not None:
            server.transport.abort()
        return relay.reply


@pytest.fixture
def relay() -> Iterator[Relay]:
    """Give a test a mail server that keeps what it gets."""
    server = Relay()
    server.start()
    try:
        yield server
    finally:
        server.stop()
