"""Parked cases: the company's clock stands still while somebody else has the next move; the law's never does.

The promised date of a parked case is moved at once, to where it will lie if the case is taken up again on the day
named: so it has a date all the time, and a forgotten parking ends by itself.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from itaca.cases.deadlines import Calendar
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, PersonId
from itaca.contracts.intents import PromiseKind
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.conditions import is_open_promise, is_parked, is_running_clock
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster


@dataclass(frozen=True)
class Parking:
    """A parked case: until when, why, by whom, and what was promised before."""

    until: datetime
    says: str
    by: str
    due_before: datetime


def park(
    conn: Connection,
    case_id: CaseId,
    until: datetime,
    says: str,
    policy: Policy,
    now: datetime,
    rng: random.Random,
    actor: str,
) -> datetime:
    """Stop the company's clock of a case; return the date that is now promised.

    What was left of the working time until the promised date is left after ``until`` as well. A further contact of
    the customer ends the parking.

    Raises:
        PermanentError: no reason; parked already; nothing is promised whose date may move (the effect of a
            cancellation is the law's); its date has passed; ``until`` is past, too far away, or after a legal term.
    """
    cases = tables.cases
    row = conn.execute(select(cases).where(cases.c.id == case_id).with_for_update()).one()
    promise = _promise(conn, case_id)
    problem = _problem(conn, case_id, until, says, policy, now, promise)
    if problem or promise is None:
        raise PermanentError(problem)
    entries, calendar = Entries(now, rng, actor), _calendar(conn, row.owner_id, policy, now)
    due_before = from_micros(promise.due_at)
    due = calendar.after_working_time(until, calendar.working_time(now, due_before))
    _promise_for(conn, promise.id, due)
    parking = {"id": entries.new_id(), "case_id": case_id, "parked_at": entries.at, "until_at": to_micros(until)}
    more = {"due_before": promise.due_at, "says": says.strip(), "parked_by": actor}
    conn.execute(insert(tables.parkings).values({**parking, **more}))
    entries.event(case_id, "parked", None, {"says": says.strip(), "until": until.isoformat()})
    entries.write(conn)
    return due


def resume(conn: Connection, case_id: CaseId, policy: Policy, entries: Entries, says: str) -> datetime | None:
    """Let the company's clock of a case run on from now; return the promised date, None if it was not parked.

    Its line in the history is written at once, and not with the caller's entries.
    """
    parkings = tables.parkings
    query = select(parkings, tables.cases.c.owner_id).join(tables.cases, tables.cases.c.id == parkings.c.case_id)
    row = conn.execute(query.where(parkings.c.case_id == case_id).where(is_parked())).first()
    if row is None:
        return None
    calendar = _calendar(conn, row.owner_id, policy, entries.now)
    left = calendar.working_time(from_micros(row.parked_at), from_micros(row.due_before))
    due = calendar.after_working_time(min(entries.now, from_micros(row.until_at)), left)
    promise = _put_off(conn, row, calendar.after_working_time(from_micros(row.until_at), left))
    if promise is not None and promise.due_at > to_micros(due):
        _promise_for(conn, promise.id, due)
    _end(conn, row.id, case_id, entries, says)
    return due


def unpark(
    conn: Connection, case_id: CaseId, policy: Policy, now: datetime, rng: random.Random, actor: str
) -> datetime | None:
    """Take up a parked case again; return the date promised from now on, None if it was not parked."""
    conn.execute(select(tables.cases.c.id).where(tables.cases.c.id == case_id).with_for_update())
    return resume(conn, case_id, policy, Entries(now, rng, actor), "taken up again")


def end_parkings(conn: Connection, now: datetime, rng: random.Random, actor: str, limit: int = 100) -> int:
    """End up to ``limit`` parkings whose day has come; the promised date lies where it was put when they began."""
    entries = Entries(now, rng, actor)
    rows = conn.execute(_over(), {"now": to_micros(now), "most": limit}).all()
    for row in rows:
        _end(conn, row.id, CaseId(row.case_id), entries, "its day has come")
    return len(rows)


def parking_of(conn: Connection, case_id: CaseId) -> Parking | None:
    """Return how a case is parked; None if it is not."""
    parkings = tables.parkings
    row = conn.execute(select(parkings).where(parkings.c.case_id == case_id).where(is_parked())).first()
    if row is None:
        return None
    return Parking(from_micros(row.until_at), row.says, row.parked_by, from_micros(row.due_before))


def _problem(
    conn: Connection,
    case_id: CaseId,
    until: datetime,
    says: str,
    policy: Policy,
    now: datetime,
    promise: Row[Any] | None,
) -> str:
    clocks = tables.legal_clocks
    running = select(func.min(clocks.c.due_at)).where(clocks.c.case_id == case_id).where(is_running_clock())
    legal = conn.execute(running).scalar_one()
    longest = now + timedelta(days=policy.parking_calendar_days)
    due_at = promise.due_at if promise is not None and promise.kind != PromiseKind.EFFECT.value else None
    checks = {
        "say why the case is parked": bool(says.strip()),
        "the case is parked already": parking_of(conn, case_id) is None,
        "nothing is promised in this case whose date may be moved": due_at is not None,
        "the promised date has passed: parking does not mend that": due_at is None or due_at > to_micros(now),
        "a case is parked until a later moment": until > now,
        f"a case is parked for {policy.parking_calendar_days} days at most": until <= longest,
        "the legal term ends before that, and nothing stops it": legal is None or to_micros(until) < legal,
    }
    return next((sentence for sentence, is_right in checks.items() if not is_right), "")


def _promise(conn: Connection, case_id: CaseId) -> Row[Any] | None:
    promises = tables.promises
    query = select(promises).where(promises.c.case_id == case_id).where(is_open_promise())
    return conn.execute(query.order_by(promises.c.due_at).limit(1)).first()


def _put_off(conn: Connection, parking: Row[Any], until: datetime) -> Row[Any] | None:
    """Return the promise whose date the parking moved: what was promised beside it keeps its own."""
    promises = tables.promises
    moved = (promises.c.case_id == parking.case_id) & (promises.c.kind != PromiseKind.EFFECT.value)
    moved &= (promises.c.made_at <= parking.parked_at) & (promises.c.due_at >= parking.until_at)
    found = conn.execute(select(promises).where(moved).where(is_open_promise()).order_by(promises.c.due_at)).all()
    return next((row for row in found if row.due_at == to_micros(until)), found[0] if found else None)


def _promise_for(conn: Connection, promise_id: str, due: datetime) -> None:
    promises = tables.promises
    conn.execute(update(promises).where(promises.c.id == promise_id).values(due_at=to_micros(due)))


def _end(conn: Connection, parking_id: str, case_id: CaseId, entries: Entries, says: str) -> None:
    parkings, events = tables.parkings, tables.case_events
    conn.execute(update(parkings).where(parkings.c.id == parking_id).values(resumed_at=entries.at))
    line = {"id": entries.new_id(), "case_id": case_id, "at": entries.at, "kind": "resumed", "actor": entries.actor}
    conn.execute(insert(events).values({**line, "mail_id": None, "detail": {"says": says}}))


def _calendar(conn: Connection, owner_id: str | None, policy: Policy, now: datetime) -> Calendar:
    roster = load_roster(conn, policy.calendar.today(now))
    return roster.calendar_of(PersonId(owner_id) if owner_id else None) or policy.calendar


@cache
def _over() -> Select[Any]:
    """Return the statement of every round of the watch; built once, because building takes longer than running.

    The cases are locked first: whoever holds a case may take it up again, and nobody the other way.
    """
    parkings, cases = tables.parkings, tables.cases
    return (
        select(parkings.c.id, parkings.c.case_id)
        .join(cases, cases.c.id == parkings.c.case_id)
        .where(is_parked(), parkings.c.until_at <= bindparam("now"))
        .order_by(parkings.c.until_at)
        .limit(bindparam("most"))
        .with_for_update(of=[cases, parkings], skip_locked=True)
    )
