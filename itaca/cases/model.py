"""What a decision is made of: the mail, its reading, and what the ledger knows of the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from itaca.cases.people import Roster
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, CaseReference, CustomerId, MailId, PersonId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import MailText


@dataclass(frozen=True)
class KnownCase:
    """A case as a decision sees it."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    matter: str
    customer_id: CustomerId
    owner_id: PersonId | None
    severity: int
    level: int
    contacts: int
    is_open: bool
    effective_at: datetime | None = None
    watch_until: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Say whether a charge or mailing at ``moment`` would violate this cancellation: it holds for ever."""
        return self.effective_at is not None and self.effective_at <= moment

    def is_watched_at(self, moment: datetime) -> bool:
        """Say whether ``moment`` is so near to the effect that a protest is likely to be about it."""
        return self.holds_at(moment) and self.watch_until is not None and moment <= self.watch_until


@dataclass(frozen=True)
class MailFacts:
    """One mail that waits for its outcome. ``judgement`` is None when the classifier never answered."""

    mail_id: MailId
    received_at: datetime
    text: MailText
    judgement: Judgement | None
    review_reason: str = ""
    """Why a person must look although no judgement says so: a dead letter, a silent classifier."""
    delivered_to: tuple[str, ...] = ()
    """The envelope recipients: our own mailboxes."""

    def foreign_addresses(self) -> tuple[str, ...]:
        """Return the addresses in To and Cc that are not of our own domains."""
        ours = {address.rpartition("@")[2].lower() for address in self.delivered_to}
        named = (*self.text.recipients, *self.text.cc)
        return tuple(address for address in named if address.rpartition("@")[2].lower() not in ours)


@dataclass(frozen=True)
class Standing:
    """What the ledger knows of the writer and of what the mail refers to.

    ``customer_id`` is None for a writer never seen. ``open_cases`` and ``cancellations`` are this customer's.
    ``linked`` are cases that the mail refers to by thread, reference or report, whoever they belong to;
    those of them that the writer may join are ``verified``. ``meanwhile`` leads from closed ones among them to the
    open case of the same customer, kind and matter.
    """

    customer_id: CustomerId | None
    roster: Roster
    open_cases: Sequence[KnownCase] = ()
    cancellations: Sequence[KnownCase] = ()
    linked: Sequence[KnownCase] = ()
    verified: frozenset[CaseId] = field(default_factory=frozenset)
    meanwhile: Mapping[CaseId, KnownCase] = field(default_factory=dict)
