"""Who may hand mail in, for whom, and whether there is room for it: the answers to MAIL and RCPT."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.ingest.limits import BytesInHand, Connections, FreeSpace, Network, is_within, parsed
from services.ingest.replies import (
    CLOSING,
    DISK_LOW,
    MALFORMED_ADDRESS,
    MEMORY_LOW,
    NOT_OURS,
    RELAY_DENIED,
    TOO_MANY_RECIPIENTS,
)


@dataclass(frozen=True)
class Recipients:
    """Whom Itaca takes mail for: addresses and ``@domains``, lower case; nothing named means everybody.

    ``reclami+token@shop.example`` is ``reclami@shop.example``, and the postmaster of a named domain is always
    served (RFC 5321, 4.5.1).
    """

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def named(cls, names: Sequence[str]) -> "Recipients":
        lower = [name.lower() for name in names]
        domains = {name[1:] for name in lower if name.startswith("@")}
        return cls(frozenset(name for name in lower if not name.startswith("@")), frozenset(domains))

    def serves(self, address: str) -> bool:
        """Say whether mail for this address is ours."""
        if not self.addresses and not self.domains:
            return True
        local, _, domain = address.lower().rpartition("@")
        if domain in self.domains:
            return True
        if not local or local == "postmaster":
            return self._is_postmaster(local, domain)
        plain = f"{local.partition('+')[0]}@{domain}"
        return address.lower() in self.addresses or plain in self.addresses

    def _is_postmaster(self, local: str, domain: str) -> bool:
        if not local:
            return domain == "postmaster"
        return any(named.endswith(f"@{domain}") for named in self.addresses)


@dataclass
class Door:
    """The policy that all sessions of one listener share, and aiosmtpd's hooks for MAIL and RCPT."""

    networks: Sequence[Network]
    recipients: Recipients
    max_recipients: int
    connections: Connections
    bytes_in_hand: BytesInHand
    free_space: FreeSpace
    is_closing: bool = field(default=False)

    def may_send(self, host: str, is_authenticated: bool) -> bool:
        """Say whether this client may hand mail in."""
        return is_authenticated or is_within(parsed(host), self.networks)

    def refuses_mail(self, host: str, is_authenticated: bool, announced_bytes: int) -> str | None:
        """Return the reply that refuses MAIL, or None."""
        if self.is_closing:
            return CLOSING
        if not self.may_send(host, is_authenticated):
            return RELAY_DENIED
        if self.free_space.is_low():
            return DISK_LOW
        if not self.bytes_in_hand.fits(announced_bytes):
            return MEMORY_LOW
        return None

    def refuses_recipient(self, address: str, so_far: int) -> str | None:
        """Return the reply that refuses RCPT, or None."""
        if not self.recipients.serves(address):
            return NOT_OURS
        if so_far >= self.max_recipients:
            return TOO_MANY_RECIPIENTS
        return None

    async def handle_MAIL(  # noqa: N802 (aiosmtpd finds its hooks by these names)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if not is_clean(address):
            return MALFORMED_ADDRESS
        refusal = self.refuses_mail(server.client, bool(session.authenticated), announced_size(options))
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if not is_clean(address):
            return MALFORMED_ADDRESS
        refusal = self.refuses_recipient(address, len(envelope.rcpt_tos))
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"


def is_clean(address: str) -> bool:
    """Say whether an address is free of control characters, which no header or database may get from it."""
    return address.isprintable() or not any(character < " " or character == "\x7f" for character in address)


def announced_size(options: Sequence[str]) -> int:
    """Return the bytes announced by SIZE (RFC 1870), 0 if none; the option was checked to be a number."""
    for option in options:
        if option.startswith("SIZE="):
            return int(option[5:])
    return 0
