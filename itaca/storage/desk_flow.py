"""Where mail is now, and what became of the day's mail: counts only, nobody's words."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, func, literal_column, select

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.storage.books import Books, glance
from itaca.storage.conditions import is_unsent
from itaca.storage.line import open_cases, overdue_promises
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import mails, outbox

_HOUR = 3_600_000_000
_OVERDUE_AFTER_S = 20 * 60.0


@dataclass(frozen=True)
class Waiting:
    """What waits to leave: how many of a kind, and since when the oldest does."""

    kind: str
    count: int
    oldest: datetime


@dataclass(frozen=True)
class Flow:
    """The state of the machine at one moment. ``by_hour`` counts the day's mail by hour of arrival and outcome;
    None stands for mail that has no outcome yet.
    """

    books: Books
    cases: dict[CaseKind, int]
    overdue: int
    waiting: list[Waiting]
    by_hour: dict[int, Counter[MailOutcome | None]] = field(default_factory=dict)

    @property
    def today(self) -> Counter[MailOutcome | None]:
        """Return the day's mail by outcome."""
        return sum(self.by_hour.values(), Counter())


def load_flow(conn: Connection, now: datetime, midnight: datetime) -> Flow:
    """Return the flow as of now; what it reads is bounded by a day's mail and what is open."""
    return Flow(
        books=glance(conn, now, _OVERDUE_AFTER_S),
        cases=open_cases(conn),
        overdue=overdue_promises(conn, now),
        waiting=_waiting(conn),
        by_hour=_by_hour(conn, midnight),
    )


def _waiting(conn: Connection) -> list[Waiting]:
    query = select(outbox.c.kind, func.count(), func.min(outbox.c.created_at)).where(is_unsent())
    rows = conn.execute(query.group_by(outbox.c.kind).order_by(outbox.c.kind))
    return [Waiting(kind, count, from_micros(oldest)) for kind, count, oldest in rows]


def _by_hour(conn: Connection, midnight: datetime) -> dict[int, Counter[MailOutcome | None]]:
    since, until = to_micros(midnight), to_micros(midnight + timedelta(days=1))
    hour = (mails.c.received_at - since) // literal_column(str(_HOUR), Integer)
    query = (
        select(hour.label("hour"), mails.c.outcome, func.count().label("mails"))
        .where(mails.c.received_at >= since, mails.c.received_at < until)
        .group_by(hour, mails.c.outcome)
    )
    found: dict[int, Counter[MailOutcome | None]] = {}
    for row in conn.execute(query):
        outcome = None if row.outcome is None else MailOutcome(row.outcome)
        found.setdefault(int(row.hour), Counter())[outcome] += row.mails
    return found
