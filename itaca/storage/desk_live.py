"""What changed in the ledger, for everybody who looks at the desk: a few entries of indexes, however many look."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from itaca.contracts.ids import CaseReference, PersonId
from itaca.storage.tables import case_events, cases, mails

NEWEST = 200
"""So many of the newest lines of all histories are looked at; a line that was committed late is among them."""


@dataclass(frozen=True)
class Happening:
    """Something that happened to a case: ``kind`` of what happened, the case's kind, and whose it is now."""

    kind: str
    case_kind: str
    owner_id: PersonId | None


def newest_happenings(
    conn: Connection, seen: Collection[str] | None, limit: int = NEWEST
) -> tuple[set[str], list[Happening]]:
    """Return the ids of the newest lines of all histories, and what those say that were not ``seen``.

    Args:
        seen: the ids found by the look before; None when there was none, and then nothing is news.
    """
    ids = set(conn.scalars(select(case_events.c.id).order_by(case_events.c.id.desc()).limit(limit)))
    fresh = set() if seen is None else ids - set(seen)
    if not fresh:
        return ids, []
    query = (
        select(case_events.c.kind, cases.c.kind.label("case_kind"), cases.c.owner_id)
        .join(cases, cases.c.id == case_events.c.case_id)
        .where(case_events.c.id.in_(fresh))
    )
    return ids, [
        Happening(row.kind, row.case_kind, None if row.owner_id is None else PersonId(row.owner_id))
        for row in conn.execute(query)
    ]


def case_versions(conn: Connection, references: Collection[CaseReference]) -> dict[CaseReference, int]:
    """Return the version of each of these cases: the number of lines of its history."""
    query = (
        select(cases.c.reference, func.count())
        .join(case_events, case_events.c.case_id == cases.c.id)
        .where(cases.c.reference.in_(references))
        .group_by(cases.c.reference)
    )
    return {CaseReference(reference): count for reference, count in conn.execute(query)}


def newest_mail(conn: Connection) -> str:
    """Return the id of the mail accepted last."""
    return conn.scalar(select(func.max(mails.c.id))) or ""
