"""The daily list to the top: cases that nobody is left to take, one letter a working day to whoever stands there."""

import random
from collections import defaultdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from itaca.cases.people import Person, Roster
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId, OutboxId, PersonId, uuid7
from itaca.contracts.intents import OutboxKind
from itaca.storage import tables
from itaca.storage.conditions import is_exhausted
from itaca.storage.moments import to_micros
from itaca.storage.outbox import NewEntry, enqueue
from itaca.storage.people import load_roster

MOST_NAMED = 30
"""Cases that one letter names; it says how many there are."""
_MOST = 5_000


def leave_daily_lists(conn: Connection, now: datetime, policy: Policy, rng: random.Random) -> int | None:
    """Leave today's lists in the outbox; return how many were new, None before the working day has begun.

    One for each day and person, however often and by however many watches this is called.
    """
    today = policy.calendar.today(now)
    periods = policy.calendar.periods(today)
    if not periods or now < periods[0][0]:
        return None
    rows = conn.execute(_exhausted(), {"now": to_micros(now), "most": _MOST}).all()
    if not rows:
        return 0
    roster = load_roster(conn, today)
    lists: dict[PersonId, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        lists[_top(roster, PersonId(row.owner_id)).id].append(row)
    return enqueue(
        conn,
        [
            NewEntry(
                OutboxId(uuid7(now, rng, number)),
                OutboxKind.DAILY_LIST,
                f"daily:{today.isoformat()}:{person_id}",
                {"person_id": person_id, "case_ids": [row.id for row in mine[:MOST_NAMED]], "count": len(mine)},
                now,
                roster.people[person_id].email,
                CaseId(mine[0].id),
                MailId(mine[0].opened_by),
            )
            for number, (person_id, mine) in enumerate(lists.items())
        ],
    )


def _top(roster: Roster, owner: PersonId) -> Person:
    """Return the highest of the owner's chain who is at work, or was not gone for good, or is simply the highest."""
    chain = roster.chain(owner)[::-1]
    there = [person for person in chain if person.is_at_work] or [person for person in chain if person.is_active]
    heads = [person for person in roster.active() if person.lead_id is None]
    return next(iter([*there, *heads, *roster.active(), *chain]))


@cache
def _exhausted() -> Select[Any]:
    timers, cases = tables.owner_timers, tables.cases
    return (
        select(cases.c.id, cases.c.owner_id, cases.c.opened_by)
        .join(cases, cases.c.id == timers.c.case_id)
        .where(is_exhausted(), timers.c.exhausted_at <= bindparam("now"))
        .order_by(timers.c.exhausted_at, cases.c.id)
        .limit(bindparam("most"))
    )
