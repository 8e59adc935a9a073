"""Closed sets: intents, verdicts, kinds of case, outcomes."""

from enum import StrEnum


class Intent(StrEnum):
    """What a mail wants; several may hold. None holding is called ``other``."""

    ORDER = "order"
    COMPLAINT = "complaint"
    CANCELLATION = "cancellation"


class Verdict(StrEnum):
    """What the model says of one intent, by thresholds that belong to the model."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class CaseKind(StrEnum):
    """The matter of a case."""

    COMPLAINT = "complaint"
    CANCELLATION = "cancellation"
    ORDER = "order"
    REVIEW = "review"


class MailOutcome(StrEnum):
    """How a mail ended. ``CASE``: cases were opened or appended. ``FILED``: automatic mail, kept and linked.

    ``REVIEW``: a person decides. ``NOTED``: it asks nothing of us; it stands in the customer's history and
    is audited by sample.
    """

    CASE = "case"
    REVIEW = "review"
    FILED = "filed"
    NOTED = "noted"


class CaseStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """How a case ended; each needs its evidence in the history."""

    REMEDIED = "remedied"
    ANSWERED = "answered"
    REJECTED = "rejected"
    EFFECTED = "effected"
    ORDERED = "ordered"
    MERGED = "merged"
    NOT_A_MATTER = "not_a_matter"


class PromiseKind(StrEnum):
    """What is owed: an answer (complaint, review), an effect (cancellation), an acknowledgement (order)."""

    ANSWER = "answer"
    EFFECT = "effect"
    ACKNOWLEDGEMENT = "acknowledgement"


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


class CancellationState(StrEnum):
    """requested -> receipted -> handed -> effected -> watched -> closed."""

    REQUESTED = "requested"
    RECEIPTED = "receipted"
    HANDED = "handed"
    EFFECTED = "effected"
    WATCHED = "watched"
    CLOSED = "closed"


class CancellationEnd(StrEnum):
    """Why a cancellation is closed: its watch is over, it never was one, or the customer came back.

    The first holds for ever; the other two hold nothing against anybody.
    """

    WATCHED = "watched"
    NEVER = "never"
    WITHDRAWN = "withdrawn"


class ActivityKind(StrEnum):
    """What another system did to a customer: money taken, goods sent, advertising or a catalogue sent."""

    CHARGE = "charge"
    SHIPMENT = "shipment"
    MAILING = "mailing"


class OutboxKind(StrEnum):
    """What leaves the system and by which door."""

    ACKNOWLEDGEMENT = "acknowledgement"
    NOTICE = "notice"
    ORDER_HANDOFF = "order_handoff"
    CANCELLATION_HANDOFF = "cancellation_handoff"
    REPLY = "reply"
    WEBHOOK = "webhook"
    DAILY_LIST = "daily_list"


class OutboxState(StrEnum):
    """``UNKNOWN``: the relay fell silent after the final dot (RFC 1047); an acknowledgement is then not resent."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
