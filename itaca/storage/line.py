"""Where the line stands: what was settled last, and what is open."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, select

from itaca.contracts.intents import CaseKind
from itaca.storage.conditions import is_of_kind, is_open_case, is_open_promise
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import cases, mails, promises


def newest_settled(conn: Connection, since: datetime) -> datetime | None:
    """Return when the newest mail that the router settled was received, if it was settled after ``since``.

    It walks the index of receipt from its newest end and passes what is unsettled only.
    """
    row = conn.execute(_newest()).first()
    return from_micros(row.received_at) if row is not None and row.settled_at >= to_micros(since) else None


@cache
def _newest() -> Select[Any]:
    return (
        select(mails.c.received_at, mails.c.settled_at)
        .where(mails.c.settled_by == "router")
        .order_by(mails.c.received_at.desc())
        .limit(1)
    )


def open_cases(conn: Connection) -> dict[CaseKind, int]:
    """Return how many cases are open, by kind; each kind is a part of the index of open cases."""
    query = select(func.count()).select_from(cases).where(is_open_case())
    held = {kind: conn.execute(query.where(is_of_kind(kind))).scalar_one() for kind in CaseKind}
    return {kind: count for kind, count in held.items() if count}


def overdue_promises(conn: Connection, now: datetime) -> int:
    """Return how many open promises are past their date."""
    query = select(func.count()).select_from(promises).where(is_open_promise(), promises.c.due_at <= to_micros(now))
    return conn.execute(query).scalar_one()
