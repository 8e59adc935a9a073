"""What is done to remove a cause of worthless answers, and whether the figure fell afterwards."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, insert, select, update

from itaca.cases.value import Cause, Rate, has_fallen
from itaca.contracts.ids import uuid7
from itaca.errors import PermanentError
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import answer_values, removals

WINDOW = timedelta(days=28)
"""So long a time before a removal began is compared with as long a time after it was done."""
_MOST = 200


@dataclass(frozen=True)
class Removal:
    """One action against a cause, perhaps of one template or team only; ``after`` is None until it is done."""

    id: str
    cause: Cause
    template: str
    team_id: str | None
    says: str
    by: str
    opened_at: datetime
    done_at: datetime | None
    before: Rate
    after: Rate | None

    @property
    def has_fallen(self) -> bool | None:
        """Say whether the share fell; None while that cannot be known."""
        return has_fallen(self.before, self.after)


def begin_removal(
    conn: Connection,
    cause: Cause,
    says: str,
    now: datetime,
    rng: random.Random,
    actor: str,
    *,
    template: str = "",
    team_id: str | None = None,
) -> str:
    """Note what will be done against a cause; return its id. What it was until now is the figure before.

    Raises:
        PermanentError: nobody says what will be done.
    """
    if not says.strip():
        raise PermanentError("say what will be done to remove the cause")
    removal_id = uuid7(now, rng)
    row = {"id": removal_id, "cause": cause.value, "template": template, "team_id": team_id, "says": says.strip()}
    conn.execute(insert(removals).values({**row, "opened_at": to_micros(now), "opened_by": actor}))
    return removal_id


def finish_removal(conn: Connection, removal_id: str, now: datetime) -> bool:
    """Note that it is done: answers written from now on are the figure after; return False if that was known."""
    done = update(removals).where(removals.c.id == removal_id, removals.c.done_at.is_(None))
    return conn.execute(done.values(done_at=to_micros(now))).rowcount == 1


def list_removals(conn: Connection, now: datetime) -> list[Removal]:
    """Return the newest 200 removals, the newest first, each with its figures before and after."""
    rows = conn.execute(select(removals).order_by(removals.c.opened_at.desc(), removals.c.id).limit(_MOST))
    return [_removal(conn, row, now) for row in rows.all()]


def _removal(conn: Connection, row: Row[Any], now: datetime) -> Removal:
    opened_at = from_micros(row.opened_at)
    done_at = None if row.done_at is None else from_micros(row.done_at)
    after = None if done_at is None else _rate(conn, row, done_at, min(now, done_at + WINDOW))
    return Removal(
        row.id,
        Cause(row.cause),
        row.template,
        row.team_id,
        row.says,
        row.opened_by,
        opened_at,
        done_at,
        _rate(conn, row, opened_at - WINDOW, opened_at),
        after,
    )


def _rate(conn: Connection, row: Row[Any], since: datetime, until: datetime) -> Rate:
    """Count the scored answers written in [since, until) that the removal is about, and the worthless among them."""
    values = answer_values
    is_zero = values.c.cause == row.cause
    query = select(
        func.coalesce(func.sum(case((is_zero, 1), else_=0)), 0),
        func.count(),
        func.coalesce(func.sum(case((is_zero, values.c.contacts_after), else_=0)), 0),
    ).where(values.c.answered_at >= to_micros(since), values.c.answered_at < to_micros(until))
    query = query.where(values.c.scored_at.is_not(None))
    if row.template:
        query = query.where(values.c.template == row.template)
    if row.team_id:
        query = query.where(values.c.team_id == row.team_id)
    zero, answers, contacts = conn.execute(query).one()
    return Rate(int(zero), int(answers), int(contacts))
