"""The company's policy: how long each promise may take, as one readable value."""

from dataclasses import dataclass, field
from datetime import datetime

from itaca.cases.deadlines import Calendar
from itaca.contracts.intents import CaseKind, PromiseKind


@dataclass(frozen=True)
class Policy:
    """Days are working days unless the name says otherwise.

    ``cancellation_calendar_days``: notice of at most 30 days (Italian DL 7/2007, art. 1(3)), within which a
    cancellation takes effect. ``watch_calendar_days``: how long after its effect later charges and mailings are
    held against it.
    """

    answer_days: int = 3
    review_days: int = 1
    order_days: int = 1
    escalation_days: int = 1
    cancellation_calendar_days: int = 30
    watch_calendar_days: int = 90
    calendar: Calendar = field(default_factory=Calendar)

    def due(self, kind: CaseKind, now: datetime) -> datetime:
        """Return the date of the first promise of a case of this kind."""
        match kind:
            case CaseKind.COMPLAINT:
                return self.calendar.after_working_days(now, self.answer_days)
            case CaseKind.REVIEW:
                return self.calendar.after_working_days(now, self.review_days)
            case CaseKind.ORDER:
                return self.calendar.after_working_days(now, self.order_days)
            case CaseKind.CANCELLATION:
                return self.calendar.after_calendar_days(now, self.cancellation_calendar_days)

    def watch_until(self, effective_at: datetime) -> datetime:
        return self.calendar.after_calendar_days(effective_at, self.watch_calendar_days)

    def next_escalation(self, now: datetime) -> datetime:
        """Return when an unanswered case goes up once more."""
        return self.calendar.after_working_days(now, self.escalation_days)


def promise_kind(kind: CaseKind) -> PromiseKind:
    """Return what is owed in a case of this kind."""
    match kind:
        case CaseKind.COMPLAINT | CaseKind.REVIEW:
            return PromiseKind.ANSWER
        case CaseKind.CANCELLATION:
            return PromiseKind.EFFECT
        case CaseKind.ORDER:
            return PromiseKind.ACKNOWLEDGEMENT
