"""Whether a mail may be acknowledged, and to which address; the content of the mail is kept in any case."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from itaca.mail.addresses import clean_address, read_addresses, read_message_ids, without_tag
from itaca.mail.authentication import Verdict
from itaca.mail.automatic import ROBOT_LOCAL_PARTS, auto_submitted
from itaca.mail.headers import Headers
from itaca.mail.model import AutomaticKind, CertifiedKind, Envelope
from itaca.mail.rules import ReadingRules

ACKNOWLEDGEMENT_PREFIX = "ack."
"""Our acknowledgements carry ``Message-ID: <ack.{mail_id}.{instance}@domain>``."""
REPLY_PREFIX = "re."
"""A person's answers carry ``Message-ID: <re.{mail_id}.{instance}@domain>``: a reply to them finds its case."""
LOOP_HEADER = "x-itaca-loop"
_ACKNOWLEDGEMENT_ID = re.compile(r"^<ack\.[0-9a-f-]{36}\b")
_ROBOTS = ROBOT_LOCAL_PARTS | frozenset(
    (
        *("postmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply"),
        *("nonrispondere", "non-rispondere", "nepasrepondre", "nicht-antworten", "posta-certificata"),
        *("bounce", "bounces", "listserv", "majordomo", "mailman", "autoreply", "autoresponder"),
    )
)
_ROBOT_PATTERN = re.compile(
    r"^(?:owner-.+|.+-(?:request|owner|bounces?)|bounces?[-+=].+|(?:no|non?)[-_.]?reply.*|prvs=.*noreply.*)$"
)
_SUPPRESSING = frozenset({"all", "autoreply", "oof", "rn", "nrn", "dr"})
_MAX_RECEIVED = 50
_ADDRESSED_FIELDS = ("to", "cc", "resent-to", "resent-cc", "x-original-to", "envelope-to", "delivered-to")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision needs; ``certified_sender`` is the true writer of a PEC envelope, else empty."""

    headers: Headers
    envelope: Envelope
    automatic: AutomaticKind
    certified: CertifiedKind
    certified_sender: str
    is_report: bool
    verdict: Verdict
    has_sure_sender: bool


def acknowledgeable(facts: Facts, rules: ReadingRules) -> tuple[str, str]:
    """Return the address an acknowledgement may go to and ``""``, or ``""`` and the reason why none may be sent.

    The address is the return path (RFC 3834, section 4), never From or Reply-To, which anybody can write; for a
    PEC envelope it is the true writer. The rules follow RFC 3834, section 2, and RFC 5230, sections 4.5 to 4.7.
    """
    for rule in _RULES:
        reason = rule(facts, rules)
        if reason:
            return "", reason
    if facts.certified is CertifiedKind.ENVELOPE and facts.certified_sender:
        return facts.certified_sender, ""
    return clean_address(facts.envelope.sender), ""


def _null_sender(facts: Facts, _: ReadingRules) -> str:
    if not facts.envelope.sender:
        return "null envelope sender"
    return "" if clean_address(facts.envelope.sender) else "envelope sender is no address"


def _automatic(facts: Facts, _: ReadingRules) -> str:
    if auto_submitted(facts.headers):
        return "Auto-Submitted"
    if facts.is_report:
        return "a report"
    return "" if facts.automatic is AutomaticKind.NONE else f"automatic mail: {facts.automatic.value}"


def _bulk(facts: Facts, _: ReadingRules) -> str:
    headers = facts.headers
    if headers.text("precedence").lower().replace("-", "_") in ("bulk", "list", "junk", "auto_reply"):
        return "Precedence"
    if "feedback-id" in headers or any(name.startswith("list-") for name, _ in headers):
        return "mailing list or bulk mail"
    return ""


def _asked_not_to(facts: Facts, _: ReadingRules) -> str:
    wishes = facts.headers.text("x-auto-response-suppress").lower().replace(" ", "").split(",")
    return "X-Auto-Response-Suppress" if _SUPPRESSING.intersection(wishes) else ""


def _loop(facts: Facts, rules: ReadingRules) -> str:
    headers = facts.headers
    if "x-loop" in headers or headers.text(LOOP_HEADER).lower() in rules.loop_marks or LOOP_HEADER in headers:
        return "a loop mark"
    if _answers_acknowledgement(headers):
        return "an answer to an acknowledgement of ours"
    return "too many hops" if len(headers.raws("received")) > _MAX_RECEIVED else ""


def _answers_acknowledgement(headers: Headers) -> bool:
    """A reply to our acknowledgement never gets another one, or two ticket systems would loop."""
    return any(_ACKNOWLEDGEMENT_ID.match(one) for one in read_message_ids(headers.raw("in-reply-to")))


def _receipt(facts: Facts, _: ReadingRules) -> str:
    if "x-ricevuta" in facts.headers or facts.certified is CertifiedKind.RECEIPT:
        return "certified mail receipt"
    return ""


def _robot(facts: Facts, _: ReadingRules) -> str:
    if facts.certified is CertifiedKind.ENVELOPE and facts.certified_sender:
        addresses = [facts.certified_sender]
    else:
        addresses = [facts.envelope.sender.lower()]
        addresses += [mailbox.address for mailbox in read_addresses(facts.headers.raw("from")[:2_000])]
    for address in addresses:
        local = address.rpartition("@")[0]
        if local in _ROBOTS or _ROBOT_PATTERN.match(local[:200]):
            return "a sender that reads no mail"
    return ""


def _own(facts: Facts, rules: ReadingRules) -> str:
    return "sent by ourselves" if rules.is_own(without_tag(clean_address(facts.envelope.sender))) else ""


def _not_addressed(facts: Facts, rules: ReadingRules) -> str:
    """A blind copy or a list: none of our addresses stands in the header (RFC 5230, section 4.5).

    Only where our own addresses are known: behind an alias or a forward the header names an address that the
    envelope no longer shows, and customers who wrote to it are owed their answer.
    """
    if not rules.own_addresses and not rules.own_domains:
        return ""
    ours = {without_tag(recipient.lower()) for recipient in facts.envelope.recipients}
    for address in _addressed(facts.headers):
        plain = without_tag(address)
        if plain in ours or rules.is_own(plain):
            return ""
    return "not addressed to us by name"


def _addressed(headers: Headers) -> Iterator[str]:
    for name in _ADDRESSED_FIELDS:
        for raw in headers.raws(name)[:20]:
            for mailbox in read_addresses(raw):
                yield mailbox.address


def _unwanted(facts: Facts, _: ReadingRules) -> str:
    if facts.headers.text("x-spam-flag").lower().startswith("yes"):
        return "marked as spam by the mail server"
    if facts.verdict is Verdict.FAIL:
        return "sender authentication failed"
    return "" if facts.has_sure_sender else "the sender is not sure"


_RULES: tuple[Callable[[Facts, ReadingRules], str], ...] = (
    _null_sender,
    _receipt,
    _automatic,
    _bulk,
    _asked_not_to,
    _loop,
    _robot,
    _own,
    _not_addressed,
    _unwanted,
)
