"""Promises whose date has passed are broken, and their cases go one level up, in one transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, select, update

from itaca.cases.actions import NewPromise
from itaca.cases.escalation import escalate
from itaca.cases.owners import choose_owner
from itaca.cases.people import Person, Roster
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import CaseKind, OutboxKind, PromiseKind
from itaca.storage import tables
from itaca.storage.conditions import is_open_promise
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster


@dataclass(frozen=True)
class Broken:
    """One broken promise, for metrics and logs."""

    case_id: CaseId
    kind: PromiseKind
    level: int


def break_overdue(
    conn: Connection, now: datetime, policy: Policy, rng: random.Random, actor: str, limit: int = 100
) -> list[Broken]:
    """Break up to ``limit`` promises whose date has passed; call again until none is returned.

    Each broken promise is followed by the next one, due one escalation later counted from the date that passed:
    after a standstill of days a case climbs as far as the calendar demands. At the end of the chain it is counted
    from now, so that the last person is told once and not once for every day missed.
    """
    due = _lock_due(conn, now, limit)
    if not due:
        return []
    entries = Entries(now, rng, actor)
    breaking = _Breaking(conn, entries, policy, load_roster(conn, policy.calendar.today(now)))
    broken = [breaking.apply(row) for row in due]
    entries.write(conn)
    return broken


def _lock_due(conn: Connection, now: datetime, limit: int) -> Sequence[Any]:
    return conn.execute(_due(), {"now": to_micros(now), "most": limit}).all()


@cache
def _due() -> Select[Any]:
    """Return the statement of every round of the watch; built once, because building takes longer than running."""
    promises, cases = tables.promises, tables.cases
    return (
        select(
            promises.c.id.label("promise_id"),
            promises.c.kind.label("promise"),
            promises.c.due_at,
            cases.c.id,
            cases.c.kind,
            cases.c.owner_id,
            cases.c.level,
            cases.c.language,
            cases.c.opened_by,
        )
        .join(cases, cases.c.id == promises.c.case_id)
        .where(is_open_promise(), promises.c.due_at <= bindparam("now"))
        .order_by(promises.c.due_at, promises.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


@cache
def _breaking() -> Update:
    promises = tables.promises
    is_open = update(promises).where(promises.c.id == bindparam("which"), is_open_promise())
    return is_open.values(state="broken", ended_at=bindparam("ended_at"))


@cache
def _louder() -> Update:
    cases = tables.cases
    louder = update(cases).where(cases.c.id == bindparam("which"))
    return louder.values(level=bindparam("level"), severity=cases.c.severity + 1)


class _Breaking:
    """Breaks promises in order; the load of people given an order counts for the next one."""

    def __init__(self, conn: Connection, entries: Entries, policy: Policy, roster: Roster) -> None:
        self._conn, self._entries, self._policy, self._roster = conn, entries, policy, roster

    def apply(self, row: Row[Any]) -> Broken:
        """Break one promise, raise its case, promise again and tell people."""
        case_id, promise, due_at = CaseId(row.id), PromiseKind(row.promise), from_micros(row.due_at)
        self._conn.execute(_breaking(), {"which": row.promise_id, "ended_at": self._entries.at})
        owner_id = self._owner(row)
        escalation = escalate(self._roster, owner_id, row.level)
        self._conn.execute(_louder(), {"which": case_id, "level": escalation.level})
        from_when = self._entries.now if escalation.is_at_top else due_at
        team = self._roster.calendar_of(owner_id)
        self._entries.promise(case_id, NewPromise(promise, self._policy.next_escalation(from_when, team)))
        detail = {"promise": row.promise, "due_at": due_at.isoformat(), "level": escalation.level}
        self._entries.event(case_id, "promise_broken", None, detail)
        if escalation.level > row.level:
            self._entries.escalate(case_id)
        event = "still_broken" if row.level == escalation.level else "promise_broken"
        for person_id in escalation.told:
            self._tell(row, self._roster.people[person_id], event)
        return Broken(case_id, promise, escalation.level)

    def _owner(self, row: Row[Any]) -> PersonId:
        """Return the owner; an order whose system stayed silent gets a person now."""
        if row.owner_id is not None:
            return PersonId(row.owner_id)
        case_id, cases = CaseId(row.id), tables.cases
        owner = choose_owner(self._roster, CaseKind(row.kind), row.language)
        self._roster = self._roster.with_one_more(owner.id)
        self._conn.execute(update(cases).where(cases.c.id == case_id).values(owner_id=owner.id))
        given = {"person_id": owner.id, "says": "the order system is silent"}
        self._entries.event(case_id, "owner_given", None, given)
        return owner.id

    def _tell(self, row: Row[Any], person: Person, event: str) -> None:
        self._entries.leave(
            OutboxKind.NOTICE,
            f"notice:{row.id}:broken:{row.promise_id}:{person.id}",
            CaseId(row.id),
            MailId(row.opened_by),
            person.email,
            {"event": event, "person_id": person.id},
        )
