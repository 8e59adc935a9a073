"""Who wrote a mail and to which of our addresses, behind forwarding, web forms, groups and certified envelopes."""

from dataclasses import dataclass

from itaca.mail.addresses import Address, clean_address, read_addresses, without_tag
from itaca.mail.defects import Defects
from itaca.mail.headers import Headers
from itaca.mail.model import Envelope
from itaca.mail.rules import ReadingRules

_TRUE_RECIPIENT_FIELDS = ("x-original-to", "envelope-to", "x-envelope-to", "delivered-to", "resent-to")
_CERTIFIER = "posta-certificata@"
_MAX_REPEATED_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """The writer; ``is_sure`` is False when several From fields or none leave a doubt."""

    address: str
    name: str
    from_address: str
    is_sure: bool


def true_sender(headers: Headers, envelope: Envelope, rules: ReadingRules, defects: Defects) -> Sender:
    """Return the writer of a mail.

    From is believed, with two exceptions in which it names a machine of ours or of a mail provider: then Reply-To
    is the writer. That is so when From is an own address, a known forwarder, or the address of a PEC provider.
    A mail without a usable From came from its envelope sender (RFC 5321).
    """
    written = _mailboxes(headers, "from", rules, defects)
    if len(headers.raws("from")) > 1:
        defects.note("header:several_from")
    first = next((mailbox for mailbox in written if mailbox.address), None)
    if first is None:
        defects.note("header:missing_from")
        fallback = next((m for m in _mailboxes(headers, "sender", rules, defects) if m.address), None)
        address = fallback.address if fallback else clean_address(envelope.sender)
        return Sender(address, written[0].name if written else "", "", is_sure=False)
    writer = first
    if _speaks_for_others(first.address, rules):
        writer = _behind(headers, first, rules, defects)
    is_sure = len(headers.raws("from")) == 1
    return Sender(writer.address, writer.name, first.address, is_sure)


def true_recipients(headers: Headers, envelope: Envelope, rules: ReadingRules, defects: Defects) -> tuple[str, ...]:
    """Return the addresses a mail was for, the most reliable first: delivery fields, To, then the envelope."""
    found: dict[str, None] = {}
    for name in _TRUE_RECIPIENT_FIELDS:
        for raw in headers.raws(name)[:_MAX_REPEATED_FIELDS]:
            found.update(dict.fromkeys(m.address for m in read_addresses(raw, rules.limits, defects) if m.address))
    found.update(dict.fromkeys(m.address for m in _mailboxes(headers, "to", rules, defects) if m.address))
    found.update(dict.fromkeys(address for r in envelope.recipients if (address := clean_address(r))))
    return tuple(found)[: rules.limits.addresses]


def copied_recipients(headers: Headers, rules: ReadingRules, defects: Defects) -> tuple[str, ...]:
    """Return the addresses in Cc."""
    return tuple(dict.fromkeys(m.address for m in _mailboxes(headers, "cc", rules, defects) if m.address))


def _mailboxes(headers: Headers, name: str, rules: ReadingRules, defects: Defects) -> list[Address]:
    fields = headers.raws(name)[:_MAX_REPEATED_FIELDS]
    found = [mailbox for raw in fields for mailbox in read_addresses(raw, rules.limits, defects)]
    return found[: rules.limits.addresses]


def _speaks_for_others(address: str, rules: ReadingRules) -> bool:
    return rules.is_own(without_tag(address)) or address in rules.known_forwarders or address.startswith(_CERTIFIER)


def _behind(headers: Headers, shown: Address, rules: ReadingRules, defects: Defects) -> Address:
    for field in ("reply-to", "x-original-from", "resent-from"):
        for mailbox in _mailboxes(headers, field, rules, defects):
            if mailbox.address and not rules.is_own(without_tag(mailbox.address)):
                return mailbox._replace(name=mailbox.name or shown.name)
    return shown
