"""Where mail is now, and what became of the day's mail: counts only, nobody's words."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, func, literal_column, select

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.storage.books import OVERDUE_AFTER_S, Books, glance
from itaca.storage.conditions import is_open_promise, is_unsent
from itaca.storage.desk_lists import count_open
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.paging import Tally, tally
from itaca.storage.tables import book_pages, mails, outbox, promises

MOST_OPEN = 5_000
"""Up to here the open cases of a kind, and promises past their date, are counted."""
_HOUR = 3_600_000_000


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
    cases: dict[CaseKind, Tally]
    overdue: Tally
    waiting: list[Waiting]
    by_hour: dict[int, Counter[MailOutcome | None]] = field(default_factory=dict)

    @property
    def open_cases(self) -> Tally:
        """Return how many cases are open."""
        return sum(self.cases.values(), Tally(0))

    @property
    def today(self) -> Counter[MailOutcome | None]:
        """Return the day's mail by outcome."""
        return sum(self.by_hour.values(), Counter())


def load_flow(conn: Connection, now: datetime, midnight: datetime) -> Flow:
    """Return the flow as of now; it reads closed pages of the books and what came after the last, never all mail."""
    return Flow(
        books=glance(conn, now, OVERDUE_AFTER_S),
        cases={kind: held for kind in CaseKind if (held := count_open(conn, None, (kind,), MOST_OPEN))},
        overdue=tally(conn, _overdue(now), MOST_OPEN),
        waiting=_waiting(conn),
        by_hour=_by_hour(conn, to_micros(midnight), to_micros(midnight + timedelta(days=1))),
    )


def _overdue(now: datetime) -> Select[Any]:
    return select(promises.c.id).where(is_open_promise(), promises.c.due_at <= to_micros(now))


def _waiting(conn: Connection) -> list[Waiting]:
    query = select(outbox.c.kind, func.count(), func.min(outbox.c.created_at)).where(is_unsent())
    rows = conn.execute(query.group_by(outbox.c.kind).order_by(outbox.c.kind))
    return [Waiting(kind, count, from_micros(oldest)) for kind, count, oldest in rows]


def _by_hour(conn: Connection, since: int, until: int) -> dict[int, Counter[MailOutcome | None]]:
    """Add up the closed pages of the day; mail is counted one by one only where no page tells its hour."""
    found: defaultdict[int, Counter[MailOutcome | None]] = defaultdict(Counter)
    before = book_pages.c.until <= since
    last = conn.execute(select(book_pages).where(before).order_by(book_pages.c.until.desc()).limit(1)).first()
    pages = select(book_pages).where(book_pages.c.until > since, book_pages.c.until <= until)
    end, totals = since, Counter({} if last is None else last.settled)
    for page in conn.execute(pages.order_by(book_pages.c.until)):
        hour = (page.since - since) // _HOUR
        if page.since >= since and (page.until - since - 1) // _HOUR == hour:
            found[hour].update({MailOutcome(name): held for name, held in (Counter(page.settled) - totals).items()})
        else:
            _count_each(conn, found, since, max(page.since, since), page.until)
        end, totals = page.until, Counter(page.settled)
    _count_each(conn, found, since, end, until)
    return {hour: counted for hour, counted in sorted(found.items()) if counted}


def _count_each(
    conn: Connection, found: dict[int, Counter[MailOutcome | None]], midnight: int, since: int, until: int
) -> None:
    """Count the mail received in [since, until) by the hour of the day and its outcome."""
    hour = (mails.c.received_at - midnight) // literal_column(str(_HOUR), Integer)
    query = (
        select(hour.label("hour"), mails.c.outcome, func.count().label("mails"))
        .where(mails.c.received_at >= since, mails.c.received_at < until)
        .group_by(hour, mails.c.outcome)
    )
    for row in conn.execute(query):
        found[int(row.hour)][None if row.outcome is None else MailOutcome(row.outcome)] += row.mails
