"""What a decision may do to the ledger; each action is a value that the storage writes and a test compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import CaseKind, MailOutcome, PromiseKind


@dataclass(frozen=True)
class NewPromise:
    """What is owed, and by when."""

    kind: PromiseKind
    due_at: datetime


@dataclass(frozen=True)
class OpenCase:
    """A new case, owned from its first moment; an order belongs to the order system (``owner_id`` None).

    ``notify`` are the people above the owner who learn of it at once.
    """

    kind: CaseKind
    matter: str
    owner_id: PersonId | None
    severity: int
    level: int
    reasons: tuple[str, ...]
    promise: NewPromise
    effective_at: datetime | None = None
    watch_until: datetime | None = None
    notify: tuple[PersonId, ...] = ()
    requested_at: datetime | None = None
    """When the customer says that they cancelled, before any system had told of it; None: by this mail."""


@dataclass(frozen=True)
class AppendToCase:
    """A further contact on a matter; ``reopens`` a closed one. ``severity`` and ``level`` are the new values.

    ``promise`` is the promise to open if none is open: a repeat contact never puts off the date already given.
    """

    case_id: CaseId
    severity: int
    level: int
    reasons: tuple[str, ...]
    promise: NewPromise
    counts: bool = True
    """False for a reply that brings what was asked for: it joins the case and makes it no louder."""
    reopens: bool = False
    is_violation: bool = False
    notify: tuple[PersonId, ...] = ()


@dataclass(frozen=True)
class LinkToCase:
    """The mail stands beside a case without being a contact: ``report`` (bounce, receipt) or ``related``."""

    case_id: CaseId
    role: str
    says: str


Action = OpenCase | AppendToCase | LinkToCase


def has_human_owner(actions: Sequence[Action]) -> bool:
    """Say whether one of the actions brings the mail before a person; an order goes to the order system alone."""
    return any(
        isinstance(a, AppendToCase) or (isinstance(a, OpenCase) and a.kind is not CaseKind.ORDER) for a in actions
    )


@dataclass(frozen=True)
class Decision:
    """The outcome of one mail and what follows from it; ``acknowledge`` only where ``reply_to`` may be written to."""

    mail_id: MailId
    outcome: MailOutcome
    actions: tuple[Action, ...] = ()
    acknowledges: bool = False
    says: str = ""
    """One sentence for the trace: why this outcome."""
