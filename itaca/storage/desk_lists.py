"""Lists of cases as people read them: a page of what breaks first, or of the newest, each by an index of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select, union_all

from itaca.contracts.ids import CaseId, CaseReference, CustomerId, PersonId
from itaca.contracts.intents import CaseKind
from itaca.storage.conditions import is_of_kind, is_open_case
from itaca.storage.moments import NEVER, dated, from_micros, to_micros
from itaca.storage.paging import MOST, PAGE, Page, Place, Tally, cut, from_place, tally
from itaca.storage.tables import cases, customer_addresses, customers, mail_texts, people

WORKED_ON = (CaseKind.COMPLAINT, CaseKind.CANCELLATION, CaseKind.ORDER)
"""What lists of cases show; mail to decide has its own page."""
_WORDS = 160
_READ = 4 * _WORDS
_BREAKS_FIRST = (cases.c.breaks_at, cases.c.id)
_NEWEST = (cases.c.id,)


@dataclass(frozen=True)
class DayLine:
    """One case as a list shows it. ``due_at``: the promise that breaks first; ``says``: how its first mail begins."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    owner: str
    customer: str
    subject: str
    says: str
    severity: int
    level: int
    contacts: int
    opened_at: datetime
    is_open: bool
    outcome: str
    due_at: datetime | None


def open_cases_page(
    conn: Connection,
    owner_id: PersonId | None = None,
    kinds: Sequence[CaseKind] = WORKED_ON,
    place: Place | None = None,
    limit: int = PAGE,
) -> Page[DayLine]:
    """Return a page of open cases, what breaks first on top.

    Args:
        owner_id: only theirs; None for everybody's.
        place: by date (microseconds) and id of a case, as ``itaca.storage.moments`` counts.
    """
    page = cut(open_ids(conn, owner_id, kinds, place, limit + 1), place, limit)
    return Page(lines_of(conn, page.lines), page.has_previous, page.has_next)


def open_ids(
    conn: Connection,
    owner_id: PersonId | None = None,
    kinds: Sequence[CaseKind] = tuple(CaseKind),
    place: Place | None = None,
    limit: int = PAGE,
) -> Sequence[str]:
    """Return the first ids of open cases from a place on, what breaks first in front; each kind is one walk."""
    picks = [from_place(_open(kind, owner_id), _BREAKS_FIRST, place, limit) for kind in kinds]
    every = union_all(*(select(one.subquery()) for one in picks)).subquery()
    falls = place is not None and place.is_back
    order: list[ColumnElement[Any]] = [every.c.breaks_at, every.c.id]
    ordered = select(every.c.id).order_by(*(column.desc() if falls else column for column in order))
    return conn.scalars(ordered.limit(limit)).all()


def breaks_where(line: DayLine) -> str:
    """Return the place of a line in a list of open cases, ``<microseconds>.<id>``."""
    return f"{NEVER if line.due_at is None else to_micros(line.due_at)}.{line.id}"


def count_open(
    conn: Connection, owner_id: PersonId | None = None, kinds: Sequence[CaseKind] = WORKED_ON, most: int = MOST
) -> Tally:
    """Return how many such cases are open, counted up to ``most`` of each kind."""
    return sum((tally(conn, _open(kind, owner_id), most) for kind in kinds), Tally(0))


def cases_of(conn: Connection, customer_id: CustomerId, limit: int = 50) -> list[DayLine]:
    """Return the open cases of one customer, what breaks first on top, then the newest closed ones."""
    mine = select(cases.c.id).where(cases.c.customer_id == customer_id)
    standing = conn.scalars(mine.where(is_open_case()).order_by(*_BREAKS_FIRST).limit(limit))
    newest = conn.scalars(mine.order_by(cases.c.id.desc()).limit(limit))
    return lines_of(conn, list(dict.fromkeys([*standing, *newest]))[:limit])


def newest_page(
    conn: Connection, wanted: Sequence[Select[Any]], place: Place | None = None, limit: int = PAGE
) -> Page[DayLine]:
    """Return a page of the cases of these queries, open and closed, the newest first.

    Args:
        wanted: a few queries for ids; each is one walk along an index, no longer than the page.
        place: by the id of a case.
    """
    walks = [from_place(query, _NEWEST, place, limit + 1, is_newest_first=True) for query in wanted]
    falls = not (place is not None and place.is_back)
    found = sorted({case_id for walk in walks for case_id in conn.scalars(walk)}, reverse=falls)
    page = cut(found[: limit + 1], place, limit)
    return Page(lines_of(conn, page.lines), page.has_previous, page.has_next)


def lines_of(conn: Connection, ids: Sequence[str]) -> list[DayLine]:
    """Return these cases, in this order."""
    found = {row.id: _line(row) for row in conn.execute(_lines(), {"ids": list(ids)})} if ids else {}
    return [found[case_id] for case_id in ids]


def _open(kind: CaseKind, owner_id: PersonId | None) -> Select[Any]:
    query = select(cases.c.id, cases.c.breaks_at).where(is_open_case(), is_of_kind(kind))
    return query if owner_id is None else query.where(cases.c.owner_id == owner_id)


def first_address() -> ColumnElement[str]:
    """Return the first address of a case's customer, for those who have no name."""
    addresses = customer_addresses.c
    own = select(addresses.address).where(addresses.customer_id == cases.c.customer_id).order_by(addresses.address)
    return own.limit(1).correlate(cases).scalar_subquery().label("address")


@cache
def _lines() -> Select[Any]:
    """Return the statement for lines by their ids; built once, because building takes longer than running.

    Of the first mail it reads how it begins: a text may be long, and a page has many.
    """
    opening = mail_texts.c.text
    return (
        select(
            cases,
            customers.c.name.label("customer_name"),
            people.c.name.label("owner_name"),
            opening["subject"].as_string().label("subject"),
            func.substr(opening["new_text"].as_string(), 1, _READ).label("says"),
            first_address(),
        )
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .outerjoin(mail_texts, mail_texts.c.mail_id == cases.c.opened_by)
        .where(cases.c.id.in_(bindparam("ids", expanding=True)))
    )


def _line(row: Row[Any]) -> DayLine:
    says = " ".join((row.says or "").split())
    return DayLine(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        owner=row.owner_name or "",
        customer=row.customer_name or row.address or "",
        subject=row.subject or "",
        says=says if len(says) <= _WORDS else says[:_WORDS].rsplit(" ", 1)[0] + " …",
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        is_open=row.status == "open",
        outcome=row.outcome or "",
        due_at=dated(row.breaks_at),
    )
