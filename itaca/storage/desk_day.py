"""What somebody finds in the morning beside their cases: mail to decide, and what came back since yesterday."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from itaca.contracts.ids import CaseReference, PersonId
from itaca.contracts.intents import CaseKind
from itaca.storage.conditions import is_returned_case
from itaca.storage.desk_lists import count_open, first_address
from itaca.storage.desk_review import left_to_check
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.paging import Tally
from itaca.storage.tables import case_events, cases, customers
from itaca.storage.triggers import CAME_BACK


@dataclass(frozen=True)
class Return:
    """The last thing that happened to one of my cases since I last worked."""

    at: datetime
    kind: str
    reference: CaseReference
    customer: str | None


def reviews_waiting(conn: Connection, owner_id: PersonId) -> tuple[Tally, Tally]:
    """Return how many mails wait for my decision, and how many of the blind check for anybody's."""
    return count_open(conn, owner_id, (CaseKind.REVIEW,)), left_to_check(conn)


def came_back(conn: Connection, owner_id: PersonId, since: datetime, limit: int = 20) -> list[Return]:
    """Return my open cases to which something happened since then, newest first, each with what happened last."""
    last = (
        select(case_events.c.kind)
        .where(case_events.c.case_id == cases.c.id, case_events.c.at == cases.c.returned_at)
        .where(case_events.c.kind.in_(CAME_BACK))
        .order_by(case_events.c.id.desc())
        .limit(1)
        .correlate(cases)
        .scalar_subquery()
    )
    query = (
        select(cases.c.reference, cases.c.returned_at, customers.c.name, first_address(), last.label("kind"))
        .join(customers, customers.c.id == cases.c.customer_id)
        .where(is_returned_case(), cases.c.owner_id == owner_id, cases.c.returned_at > to_micros(since))
        .order_by(cases.c.returned_at.desc())
        .limit(limit)
    )
    return [
        Return(from_micros(row.returned_at), row.kind or "", CaseReference(row.reference), row.name or row.address)
        for row in conn.execute(query)
    ]
