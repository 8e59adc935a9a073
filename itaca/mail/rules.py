"""What the reader must know about us to read our mail: our addresses, whom we trust, and the codes we look for."""

from dataclasses import dataclass, field

from itaca.mail.entity_patterns import EntityPattern, default_patterns
from itaca.mail.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """Facts about the company that receives the mail; all names in lower case.

    The defaults trust nobody and own nothing, which is safe: mail is read the same, only sender recognition
    behind our own web forms and ``authenticated`` need these facts.
    """

    own_addresses: frozenset[str] = frozenset()
    """Our addresses, without plus tags. Mail from them gets no acknowledgement; its Reply-To names the writer."""
    own_domains: frozenset[str] = frozenset()
    """Domains whose every address is ours; subdomains are not included."""
    known_forwarders: frozenset[str] = frozenset()
    """Addresses of forms, ticket systems and groups that send on behalf of customers named in Reply-To."""
    trusted_authserv_ids: frozenset[str] = frozenset()
    """The authserv-ids (RFC 8601) of our own border hosts; nobody else's verdict counts."""
    trusted_relays: frozenset[str] = frozenset()
    """Hosts of ours that may add Received lines above the border host's verdict."""
    loop_marks: frozenset[str] = frozenset()
    """Values of X-Itaca-Loop that mean a mail of ours came back."""
    patterns: tuple[EntityPattern, ...] = field(default_factory=default_patterns)
    limits: Limits = DEFAULT_LIMITS

    def is_own(self, address: str) -> bool:
        """Whether the address (lower case, without plus tag) belongs to us."""
        return address in self.own_addresses or (bool(address) and address.rpartition("@")[2] in self.own_domains)
