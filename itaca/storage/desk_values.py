"""What the page of values shows beside the ranking: how many answers were measured, and what the worthless cost."""

from datetime import datetime

from sqlalchemy import Connection, case, func, select

from itaca.cases.value import Rate
from itaca.storage.moments import to_micros
from itaca.storage.tables import answer_values, people


def value_rate(conn: Connection, since: datetime, until: datetime) -> Rate:
    """Return how many scored answers were written in [since, until), how many were worth nothing, and their cost."""
    values = answer_values
    is_zero = values.c.cause != ""
    query = select(
        func.coalesce(func.sum(case((is_zero, 1), else_=0)), 0),
        func.count(values.c.cause),
        func.coalesce(func.sum(case((is_zero, values.c.contacts_after), else_=0)), 0),
    ).where(values.c.answered_at >= to_micros(since), values.c.answered_at < to_micros(until))
    zero, answers, contacts = conn.execute(query).one()
    return Rate(int(zero), int(answers), int(contacts))


def names_of(conn: Connection, ids: set[str]) -> dict[str, str]:
    """Return the names of these people by their ids."""
    query = select(people.c.id, people.c.name).where(people.c.id.in_(ids))
    return {row.id: row.name for row in conn.execute(query)} if ids else {}
