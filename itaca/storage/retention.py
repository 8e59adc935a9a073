"""Words that were kept long enough: old mail that asked nothing of us, and cases closed long ago, are forgotten.

The mechanism is that of an erasure, with a tombstone for each page. How far a class has come stands in its last
tombstone, so that each page is read once, along an index.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal_column, select

from itaca.contracts.ids import CaseId, MailId
from itaca.storage.conditions import is_closed_case, is_unsent
from itaca.storage.erasure import Order, write_tombstone
from itaca.storage.erasure_words import forget_words
from itaca.storage.moments import to_micros
from itaca.storage.salted import keep_salt
from itaca.storage.tables import (
    cancellations,
    case_mails,
    cases,
    erased_cases,
    erased_mails,
    erasures,
    mails,
    outbox,
)

_UNDONE = ("requested", "receipted", "handed")


def forget_noted(conn: Connection, before: datetime, order: Order, limit: int = 200) -> int:
    """Forget the words of mail received before then that was noted or filed and belongs to no case.

    Call again until it returns 0: it returns how many mails it looked at.
    """
    # Spelled so that SQLite takes the index of what is unsettled, as in ``itaca.storage.books``.
    received_at = mails.c.received_at + literal_column("0")
    oldest = conn.scalar(select(func.min(received_at)).where(mails.c.settled_at.is_(None)))
    end = to_micros(before) if oldest is None else min(to_micros(before), oldest)
    since = _until(conn, "noted")
    window = select(mails.c.id, mails.c.received_at.label("at"), mails.c.outcome).where(mails.c.received_at >= since)
    rows, until = _page(conn, window.where(mails.c.received_at < end), mails.c.received_at, end, limit)
    asked_nothing = [MailId(row.id) for row in rows if row.outcome in ("noted", "filed")]
    kept = (
        _in_cases(conn, asked_nothing)
        | _erased(conn, asked_nothing)
        | _leaving(conn, outbox.c.mail_id, asked_nothing)
    )
    return _forget(conn, order, "noted", [one for one in asked_nothing if one not in kept], [], until, len(rows))


def forget_closed(conn: Connection, before: datetime, order: Order, limit: int = 50) -> int:
    """Forget the words of cases closed before then, and of the mails that belong to no other case.

    A case whose cancellation never took effect is kept: something is still owed in it. Call again until it returns 0:
    it returns how many cases it looked at.
    """
    end, since = to_micros(before), _until(conn, "closed")
    window = select(cases.c.id, cases.c.closed_at.label("at")).where(is_closed_case())
    window = window.where(cases.c.closed_at >= since, cases.c.closed_at < end)
    rows, until = _page(conn, window, cases.c.closed_at, end, limit)
    ids = [row.id for row in rows]
    undone = conn.scalars(
        select(cancellations.c.case_id).where(cancellations.c.case_id.in_(ids), cancellations.c.state.in_(_UNDONE))
    )
    kept = set(undone) | _leaving(conn, outbox.c.case_id, ids)
    own = [CaseId(one) for one in ids if one not in kept]
    return _forget(conn, order, "closed", _mails_of(conn, own), own, until, len(rows))


def _forget(
    conn: Connection, order: Order, kind: str, gone: Sequence[MailId], own: Sequence[CaseId], until: int, seen: int
) -> int:
    """Write the tombstone of a page and forget; a page without anything to forget only moves on."""
    if seen:
        salt = keep_salt(conn, order.chance)
        write_tombstone(conn, order, kind, gone, own, until=until)
        forget_words(conn, order.id, salt)
    return seen


def _until(conn: Connection, kind: str) -> int:
    return conn.scalar(select(func.max(erasures.c.until)).where(erasures.c.kind == kind)) or 0


def _page(conn: Connection, window: Select[Any], at: Any, end: int, limit: int) -> tuple[Sequence[Row[Any]], int]:
    """Return the oldest rows and the moment before which all were read; a moment is never cut in two."""
    rows = conn.execute(window.order_by(at).limit(limit)).all()
    if len(rows) < limit:
        return rows, end
    until = rows[-1].at + 1
    return conn.execute(window.where(at < until)).all(), until


def _mails_of(conn: Connection, own: Sequence[CaseId]) -> list[MailId]:
    """Return the mails of these cases that no other case needs."""
    ids = [MailId(one) for one in conn.scalars(select(case_mails.c.mail_id).where(case_mails.c.case_id.in_(own)))]
    forgotten = select(erased_cases.c.case_id).where(erased_cases.c.case_id == case_mails.c.case_id).exists()
    elsewhere = select(case_mails.c.mail_id).where(
        case_mails.c.mail_id.in_(ids), case_mails.c.case_id.not_in(own), ~forgotten
    )
    needed = set(conn.scalars(elsewhere)) | _erased(conn, ids) | _unsettled(conn, ids)
    return [one for one in dict.fromkeys(ids) if one not in needed]


def _in_cases(conn: Connection, ids: Sequence[MailId]) -> set[str]:
    return set(conn.scalars(select(case_mails.c.mail_id).where(case_mails.c.mail_id.in_(ids))))


def _erased(conn: Connection, ids: Sequence[MailId]) -> set[str]:
    return set(conn.scalars(select(erased_mails.c.mail_id).where(erased_mails.c.mail_id.in_(ids))))


def _unsettled(conn: Connection, ids: Sequence[MailId]) -> set[str]:
    return set(conn.scalars(select(mails.c.id).where(mails.c.id.in_(ids), mails.c.settled_at.is_(None))))


def _leaving(conn: Connection, column: Any, ids: Sequence[str]) -> set[str]:
    """Return those because of which something has yet to leave."""
    return set(conn.scalars(select(column).where(column.in_(ids)).where(is_unsent())))
