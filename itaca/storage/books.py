"""The books: what was accepted, what became of it, and whether the two agree.

``balance`` counts everything anew, as an auditor would, for ``itaca audit``. ``glance`` is for the metrics page,
every few seconds: it starts from the totals carried forward on the last closed page of the books, so that it
reads what came since and what is open, never the whole ledger.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    TextClause,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    true,
)

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.storage.audit import Findings, inspect
from itaca.storage.conditions import is_of_kind, is_open_case, is_open_promise, is_unsent
from itaca.storage.moments import NEVER, to_micros
from itaca.storage.paging import tally
from itaca.storage.tables import book_pages, cases, mails, outbox, promises

PAGE_MARGIN = timedelta(minutes=15)
"""A page closes only before this: a transaction that began earlier, or a clock that lags, is long done."""
QUARTER = timedelta(minutes=15) // timedelta(microseconds=1)
"""Microseconds. Pages end on a quarter of an hour, so that the hours of every time zone are sums of pages."""
OVERDUE_AFTER_S = 20 * 60.0
"""Past this a mail without an outcome is a problem of the books: the watch gives it to a person after 15 minutes."""
Condition = ColumnElement[bool] | TextClause


@dataclass(frozen=True)
class Books:
    """The state of the ledger in one snapshot; ages in seconds, 0 when there is nothing.

    ``unaccounted`` is accepted less settled less in progress. ``overdue`` are mails without an outcome for
    longer than the limit. ``findings`` are the auditor's, None after a mere glance.
    """

    accepted: int
    settled: dict[MailOutcome, int]
    in_progress: int
    overdue: int
    oldest_unsettled_age_s: float
    cases_without_owner: int
    open_promises_without_date: int
    open_cases_without_promise: int
    outbox_pending: int
    outbox_oldest_age_s: float
    findings: Findings | None = field(default=None)

    @property
    def unaccounted(self) -> int:
        return self.accepted - sum(self.settled.values()) - self.in_progress

    def problems(self) -> list[str]:
        """Return a sentence for each thing that must not be; none when the books balance."""
        checks = {
            "mails are unaccounted for": self.unaccounted,
            "mails are overdue": self.overdue,
            "open cases have no owner": self.cases_without_owner,
            "open promises have no date": self.open_promises_without_date,
            "open cases have no open promise": self.open_cases_without_promise,
        }
        own = [f"{count} {what}" for what, count in checks.items() if count != 0]
        return own + (self.findings.problems() if self.findings else [])


def balance(connection: Connection, now: datetime, overdue_after_s: float) -> Books:
    """Count everything anew in one snapshot, and inspect what the counts rest on; reads the whole ledger.

    Accepted, settled and in progress are three counts over different paths (the table, the outcomes, the index
    of what is unsettled), so that a damaged index shows as a difference.
    """
    accepted, settled = _count(connection, mails), _settled(connection, true())
    has_promise = exists().where(promises.c.case_id == cases.c.id, is_open_promise())
    owing_nothing = _count(connection, cases, is_open_case(), ~has_promise)
    return _books(connection, now, overdue_after_s, accepted, settled, owing_nothing, inspect(connection))


def glance(connection: Connection, now: datetime, overdue_after_s: float) -> Books:
    """Return the books by the totals of the last closed page and what came since; reads a bounded part."""
    page = connection.execute(_last_page()).one_or_none()
    if page is None:
        accepted, settled = _count(connection, mails), _settled(connection, true())
        return _books(connection, now, overdue_after_s, accepted, settled, _owing_nothing(connection))
    since = mails.c.received_at >= page.until
    accepted = page.accepted + _count(connection, mails, since)
    totals = Counter({MailOutcome(outcome): count for outcome, count in page.settled.items()})
    totals.update(_settled(connection, since))
    return _books(connection, now, overdue_after_s, accepted, dict(totals), _owing_nothing(connection))


def close_page(connection: Connection, now: datetime) -> bool:
    """Carry the totals forward to the last quarter of an hour before the oldest mail that is unsettled or fresh.

    The watch calls it every few minutes, on the database's write side. A page never changes afterwards: all its
    mails are settled, and a settled mail stays so.

    Returns:
        Whether a page was closed.
    """
    last = connection.execute(_last_page()).one_or_none()
    since = 0 if last is None else last.until
    oldest = connection.execute(select(func.min(_received_at())).where(mails.c.settled_at.is_(None))).scalar()
    fresh = to_micros(now - PAGE_MARGIN)
    until = fresh if oldest is None else min(oldest, fresh)
    until -= until % QUARTER
    if until <= since:
        return False
    within = and_(mails.c.received_at >= since, mails.c.received_at < until)
    totals = Counter({} if last is None else last.settled)
    totals.update({outcome.value: count for outcome, count in _settled(connection, within).items()})
    accepted = (0 if last is None else last.accepted) + _count(connection, mails, within)
    row = {"until": until, "since": since, "closed_at": to_micros(now), "accepted": accepted, "settled": dict(totals)}
    connection.execute(insert(book_pages), row)
    return True


def _books(
    connection: Connection,
    now: datetime,
    overdue_after_s: float,
    accepted: int,
    settled: dict[MailOutcome, int],
    owing_nothing: int,
    findings: Findings | None = None,
) -> Books:
    limit = to_micros(now - timedelta(seconds=overdue_after_s))
    unsettled = connection.execute(_unsettled(), {"limit": limit}).one()
    unsent = connection.execute(_unsent()).one()
    return Books(
        accepted=accepted,
        settled=settled,
        in_progress=unsettled.number,
        overdue=unsettled.overdue,
        oldest_unsettled_age_s=_age_s(now, unsettled.oldest),
        cases_without_owner=_count(connection, cases, is_open_case(), cases.c.owner_id.is_(None), _needs_owner()),
        open_promises_without_date=_count(connection, promises, is_open_promise(), promises.c.due_at.is_(None)),
        open_cases_without_promise=owing_nothing,
        outbox_pending=unsent.number,
        outbox_oldest_age_s=_age_s(now, unsent.oldest),
        findings=findings,
    )


def _received_at() -> ColumnElement[int]:
    """Return the moment of acceptance in a way that no index serves.

    SQLite would walk the index of all mails by date to find the few unsettled ones, 150 ms at 10^6 mails; so it
    takes the index of what is unsettled.
    """
    return mails.c.received_at + literal_column("0")


def _needs_owner() -> ColumnElement[bool]:
    """Return the kinds by name: each is one place in the index of open cases, where ``<>`` would be a walk."""
    return cases.c.kind.in_([kind.value for kind in CaseKind if kind is not CaseKind.ORDER])


def _owing_nothing(connection: Connection) -> int:
    """Count the open cases without a promise, up to 1,000 of each kind; the auditor looks at the promises instead.

    The database notes of each case when it breaks. They are asked for in that order, so that SQLite takes the index
    by date and not the one of all open cases.
    """
    undated = select(cases.c.id).where(is_open_case(), cases.c.breaks_at >= NEVER).order_by(cases.c.breaks_at)
    return sum(tally(connection, undated.where(is_of_kind(kind))).count for kind in CaseKind)


def _settled(connection: Connection, within: ColumnElement[bool]) -> dict[MailOutcome, int]:
    query = select(mails.c.outcome, func.count()).where(mails.c.settled_at.is_not(None), within)
    return {MailOutcome(outcome): count for outcome, count in connection.execute(query.group_by(mails.c.outcome))}


def _count(connection: Connection, table: Table, *conditions: Condition) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


@cache
def _last_page() -> Select[Any]:
    """Statements of every round of the watch are built once: building one takes longer than running it."""
    return select(book_pages).order_by(book_pages.c.until.desc()).limit(1)


@cache
def _unsettled() -> Select[int, int, int]:
    overdue = func.count().filter(_received_at() < bindparam("limit"))
    figures = select(func.count().label("number"), overdue.label("overdue"), func.min(_received_at()).label("oldest"))
    return figures.where(mails.c.settled_at.is_(None))


@cache
def _unsent() -> Select[int, Any]:
    oldest = func.min(outbox.c.created_at).label("oldest")
    return select(func.count().label("number"), oldest).select_from(outbox).where(is_unsent())


def _age_s(now: datetime, oldest: int | None) -> float:
    return 0.0 if oldest is None else max(0.0, (to_micros(now) - oldest) / 1e6)
