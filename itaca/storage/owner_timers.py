"""Open cases whose owner is looked after: passed on, told of, or put on the daily list, in one transaction."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, select, update

from itaca.cases.policy import Policy
from itaca.cases.returning import Look, OwnedCase, look
from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import CaseKind, OutboxKind
from itaca.storage import tables
from itaca.storage.desk_events import COMMAND_LINE
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster

_GIVES = ("opened", "reopened", "violated", "owner_given", "passed_on", "taken", "handed_over")
_LONGEST_AHEAD = timedelta(days=400)


@dataclass
class _Past:
    """What a case's history and promises say about its owner; moments in microseconds.

    ``knowing``: who was told that the owner is away, since the ledger knows of this absence.
    """

    since: int = 0
    lost_by: set[PersonId] = field(default_factory=set)
    knowing: set[PersonId] = field(default_factory=set)
    broken: list[int] = field(default_factory=list)
    due_at: int | None = None


def check_owners(
    conn: Connection, now: datetime, policy: Policy, rng: random.Random, actor: str, limit: int = 100
) -> int:
    """Look at up to ``limit`` cases whose timer has come; return how many there were, 0 when none is left.

    Everything that may change an owner's standing sets the timer to now, by triggers of the database: a new owner, an
    absence, somebody who leaves.
    """
    rows = conn.execute(_due(), {"now": to_micros(now), "most": limit}).all()
    if not rows:
        return 0
    today = policy.calendar.today(now)
    roster = load_roster(conn, today)
    pasts = _pasts(conn, rows)
    absences = _absences(conn, {row.owner_id for row in rows}, today)
    entries = Entries(now, rng, actor)
    timers: list[dict[str, Any]] = []
    for row in rows:
        found = look(_owned(row, pasts[row.id], absences[row.owner_id], today), roster, policy, now)
        if found.to is not None:
            roster = roster.with_one_more(found.to)
        timers.append(_carry_out(conn, entries, row, found))
        for person_id in found.told:
            event = "passed_on" if found.to else "owner_away"
            entries.leave(
                OutboxKind.NOTICE,
                f"notice:{row.id}:{event}:{entries.at}:{person_id}",
                CaseId(row.id),
                MailId(row.opened_by),
                roster.people[person_id].email,
                {"event": event, "person_id": person_id},
            )
    conn.execute(_setting(), timers)
    entries.write(conn)
    return len(rows)


def _carry_out(conn: Connection, entries: Entries, row: Row[Any], found: Look) -> dict[str, Any]:
    """Do what a look leads to, and return how the case's timer is set; last, because a new owner sets it too."""
    case_id = CaseId(row.id)
    if found.to is not None:
        conn.execute(_giving(), {"which": case_id, "owner_id": found.to, "level": found.level})
        detail = {"from": row.owner_id, "to": found.to, "reasons": [found.says]}
        entries.event(case_id, "passed_on", None, detail)
        entries.escalate(case_id)
    elif found.told:
        entries.event(case_id, "owner_away", None, {"told": list(found.told), "reasons": [found.says]})
    if found.is_exhausted and row.exhausted_at is None:
        entries.escalate(case_id)
    return {
        "which": case_id,
        "check_at": to_micros(found.check_at),
        "told_at": (row.told_at or entries.at) if found.is_away else None,
        "exhausted_at": (row.exhausted_at or entries.at) if found.is_exhausted else None,
    }


def _owned(row: Row[Any], past: _Past, absences: Sequence[Row[Any]], today: date) -> OwnedCase:
    broken = [at for at in past.broken if at > past.since]
    return OwnedCase(
        PersonId(row.owner_id),
        CaseKind(row.kind),
        row.language,
        row.level,
        from_micros(past.due_at) if past.due_at is not None else None,
        from_micros(min(broken)) if broken else None,
        frozenset(past.lost_by),
        _back_on(absences, today),
        next((one.first_day for one in absences if one.first_day > today), None),
        frozenset(past.knowing),
    )


def _back_on(absences: Sequence[Row[Any]], today: date) -> date | None:
    """Return the first day after the absences that begin today or lie side by side from there; in order of days."""
    back = today
    for one in absences:
        if one.first_day <= back <= one.last_day:
            back = one.last_day + timedelta(days=1)
    return back if back > today else None


def _pasts(conn: Connection, rows: Sequence[Row[Any]]) -> dict[str, _Past]:
    owners = {row.id: row.owner_id for row in rows}
    away_since = {row.id: row.told_at for row in rows}
    pasts: dict[str, _Past] = defaultdict(_Past)
    for event in conn.execute(_events(), {"ids": list(owners)}):
        past = pasts[event.case_id]
        # At the command line a person works whose name nobody knows: what was done there is a sign of the owner's.
        if event.kind in _GIVES or event.actor in (owners[event.case_id], COMMAND_LINE):
            past.since = max(past.since, event.at)
        # Of an erased case only the kinds of its events are left.
        if event.kind == "passed_on" and event.detail:
            past.lost_by.add(PersonId(event.detail["from"]))
        told_at = away_since[event.case_id]
        if event.kind == "owner_away" and told_at is not None and event.at >= told_at:
            past.knowing.update(event.detail.get("told", ()))
    for promise in conn.execute(_promises(), {"ids": list(owners)}):
        past = pasts[promise.case_id]
        if promise.state == "open":
            past.due_at = min(past.due_at or promise.due_at, promise.due_at)
        else:
            past.broken.append(promise.ended_at)
    return pasts


def _absences(conn: Connection, people: Iterable[str], today: date) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    when = {"today": today, "horizon": today + _LONGEST_AHEAD}
    for row in conn.execute(_ahead(), {"people": list(people), **when}):
        found[row.person_id].append(row)
    return found


@cache
def _due() -> Select[Any]:
    """Return the statement of every round of the watch; built once, because building takes longer than running.

    The cases are locked and then their timers: whoever holds a case may want its timer, and nobody the other way. An
    absence that is noted meanwhile waits for the timer and wakes it afterwards, or was first and is looked at next.
    """
    timers, cases = tables.owner_timers, tables.cases
    return (
        select(
            cases.c.id,
            cases.c.owner_id,
            cases.c.kind,
            cases.c.language,
            cases.c.level,
            cases.c.opened_by,
            timers.c.told_at,
            timers.c.exhausted_at,
        )
        .join(cases, cases.c.id == timers.c.case_id)
        .where(timers.c.check_at <= bindparam("now"), cases.c.owner_id.is_not(None))
        .order_by(timers.c.check_at, timers.c.case_id)
        .limit(bindparam("most"))
        .with_for_update(of=[cases, timers], skip_locked=True)
    )


@cache
def _setting() -> Update:
    timers = tables.owner_timers
    columns: dict[str, Any] = {name: bindparam(name) for name in ("check_at", "told_at", "exhausted_at")}
    return update(timers).where(timers.c.case_id == bindparam("which")).values(columns)


@cache
def _events() -> Select[Any]:
    events = tables.case_events
    query = select(events.c.case_id, events.c.at, events.c.kind, events.c.actor, events.c.detail)
    return query.where(events.c.case_id.in_(bindparam("ids", expanding=True)))


@cache
def _ahead() -> Select[Any]:
    table = tables.absences
    of_these = table.c.person_id.in_(bindparam("people", expanding=True))
    ahead = (table.c.last_day >= bindparam("today"), table.c.first_day <= bindparam("horizon"))
    return select(table).where(of_these, *ahead).order_by(table.c.first_day)


@cache
def _giving() -> Update:
    cases = tables.cases
    return update(cases).where(cases.c.id == bindparam("which"))


@cache
def _promises() -> Select[Any]:
    promises = tables.promises
    query = select(promises.c.case_id, promises.c.state, promises.c.due_at, promises.c.ended_at)
    wanted = promises.c.state.in_(("open", "broken"))
    return query.where(promises.c.case_id.in_(bindparam("ids", expanding=True)), wanted)
