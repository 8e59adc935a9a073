"""Which cases may go on in which other one, and how loud the one that remains is."""

from dataclasses import dataclass

from itaca.cases.severity import TOP
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError

_INTO = {
    CaseKind.COMPLAINT: (CaseKind.COMPLAINT, CaseKind.CANCELLATION),
    CaseKind.REVIEW: (CaseKind.COMPLAINT, CaseKind.CANCELLATION),
}
"""A protest may go on in the cancellation that it is about; never the other way."""
CANCELLATION_STAYS = (
    "a cancellation keeps its own case until it has really happened: merge the complaint into the cancellation"
)
ORDER_STAYS = "an order keeps its own case: see that it is confirmed, or close it"
UNFIT = "a case goes on in a complaint or a cancellation: choose one of these"


@dataclass(frozen=True)
class Loudness:
    """How loud a case is: ``severity`` for sorting, ``level`` up the chain, ``contacts`` of the customer."""

    severity: int
    level: int
    contacts: int


def goes_into(kind: CaseKind) -> tuple[CaseKind, ...]:
    """Return the kinds of case in which one of this kind may go on; none where it keeps its own."""
    return _INTO.get(kind, ())


def check_merger(kind: CaseKind, into: CaseKind) -> None:
    """Refuse a merger that would hide something: an effect that is owed, an order that waits.

    Raises:
        PermanentError: with what to do instead.
    """
    if kind is CaseKind.CANCELLATION:
        raise PermanentError(CANCELLATION_STAYS)
    if kind is CaseKind.ORDER:
        raise PermanentError(ORDER_STAYS)
    if into not in goes_into(kind):
        raise PermanentError(UNFIT)


def louder(one: Loudness, other: Loudness, shared: int) -> Loudness:
    """Return how loud two cases are together; the level is not yet capped by the chain.

    Args:
        shared: mails that stand in both: the customer wrote each of them once.
    """
    contacts = max(one.contacts + other.contacts - shared, one.contacts, other.contacts)
    level = max(one.level, other.level, contacts - 1)
    return Loudness(max(one.severity, other.severity), min(level, TOP), contacts)
