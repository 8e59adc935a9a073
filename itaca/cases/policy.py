"""The company's policy: how long each promise may take, as one readable value."""

from dataclasses import dataclass, field
from datetime import datetime

from itaca.cases.deadlines import Calendar
from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.contracts.intents import CaseKind, PromiseKind
from itaca.errors import ConfigurationError
from itaca.settings import SharedSettings


@dataclass(frozen=True)
class Policy:
    """Days are working days unless the name says otherwise.

    ``cancellation_calendar_days``: notice of at most 30 days (Italian DL 7/2007, art. 1(3)), within which a
    cancellation takes effect. ``watch_calendar_days``: how long after its effect later charges and mailings are
    held against it. ``return_days``: how long an owner may be silent after a broken promise before somebody else
    gets the case. ``parking_calendar_days``: the longest a case may be parked. ``rewrite_days``: how long after an
    answer a customer who writes again does so because of it.
    """

    answer_days: int = 3
    review_days: int = 1
    order_days: int = 1
    escalation_days: int = 1
    cancellation_calendar_days: int = 30
    watch_calendar_days: int = 90
    return_days: int = 2
    parking_calendar_days: int = 30
    rewrite_days: int = 14
    calendar: Calendar = field(default_factory=Calendar)
    law: Law = field(default_factory=lambda: Law(load_pack(), ""))

    def due(self, kind: CaseKind, now: datetime, team: Calendar | None = None) -> datetime:
        """Return the date of the first promise of a case of this kind, by the owner's ``team`` or the company."""
        calendar = team or self.calendar
        match kind:
            case CaseKind.COMPLAINT:
                return calendar.after_working_days(now, self.answer_days)
            case CaseKind.REVIEW:
                return calendar.after_working_days(now, self.review_days)
            case CaseKind.ORDER:
                return calendar.after_working_days(now, self.order_days)
            case CaseKind.CANCELLATION:
                return self.calendar.after_calendar_days(now, self.cancellation_calendar_days)

    def watch_until(self, effective_at: datetime) -> datetime:
        return self.calendar.after_calendar_days(effective_at, self.watch_calendar_days)

    def next_escalation(self, now: datetime, team: Calendar | None = None) -> datetime:
        """Return when an unanswered case goes up once more."""
        return (team or self.calendar).after_working_days(now, self.escalation_days)

    def silent_until(self, broken_at: datetime, team: Calendar | None = None) -> datetime:
        """Return when an owner who was told of a broken promise at this moment, and stays silent, loses the case."""
        return (team or self.calendar).after_working_days(broken_at, self.return_days)


def company_policy(settings: SharedSettings) -> Policy:
    """Return the policy of the company that the settings describe.

    Raises:
        ConfigurationError: the rule pack cannot be used, or has no such sector.
    """
    pack = load_pack(settings.law_file)
    known = sorted({sector for rule in pack.rules for sector in rule.sectors})
    if settings.sector and settings.sector not in known:
        raise ConfigurationError([f"ITACA_SECTOR: the rules know {', '.join(known)}; leave it empty for any other"])
    return Policy(law=Law(pack, settings.sector))


def promise_kind(kind: CaseKind) -> PromiseKind:
    """Return what is owed in a case of this kind."""
    match kind:
        case CaseKind.COMPLAINT | CaseKind.REVIEW:
            return PromiseKind.ANSWER
        case CaseKind.CANCELLATION:
            return PromiseKind.EFFECT
        case CaseKind.ORDER:
            return PromiseKind.ACKNOWLEDGEMENT
