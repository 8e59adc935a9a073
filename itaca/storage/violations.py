"""Cancellations that were violated: by a report as it comes, or by one that was there before the cancellation.

Who cancelled in July and says so in September is charged in August as wrongly as one who said so at once: a
cancellation that is dated back is held against what other systems reported in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, Table, select, text, update

from itaca.cases.actions import AppendToCase
from itaca.cases.activities import Activity, find_violated, hold_against
from itaca.cases.model import KnownCase
from itaca.cases.people import Roster
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import ActivityKind, CaseKind, OutboxKind
from itaca.storage import tables
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster
from itaca.storage.salted import CONTRACT, CUSTOMER
from itaca.storage.standing import known_case
from itaca.storage.suppressions import binds

VIOLATION = "violation"
_MOST_RECORDED = 200
_MOST_NAMES = 50
_NAMED = {"customer": CUSTOMER, "contract": CONTRACT}


@dataclass
class Against:
    """One cancellation that is violated, as it stands after each activity that is held against it."""

    entries: Entries
    case: KnownCase
    violations: int
    roster: Roster
    policy: Policy

    @classmethod
    def of(cls, conn: Connection, entries: Entries, case: KnownCase, policy: Policy) -> "Against":
        """Return the cancellation of this case as it stands."""
        cancellations = tables.cancellations
        violations = select(cancellations.c.violations).where(cancellations.c.case_id == case.id)
        roster = load_roster(conn, policy.calendar.today(entries.now))
        return cls(entries, case, int(conn.execute(violations).scalar_one()), roster, policy)

    def hold(self, activity_id: str, activity: Activity) -> AppendToCase:
        """Open the case again, with the activity as evidence; return what this did."""
        entries, case = self.entries, self.case
        action = hold_against(case, activity, self.violations, self.roster, self.policy, entries.now)
        entries.raise_case(case.id, action.severity, action.level, case.contacts, action.promise)
        entries.violate(case.id)
        if action.level > case.level:
            entries.escalate(case.id)
        by_whom = {"activity": activity_id, "activity_kind": activity.kind.value, "system": activity.system}
        entries.event(case.id, "violated", None, {"reasons": list(action.reasons), **by_whom})
        self.case = replace(case, severity=action.severity, level=action.level, is_open=True)
        self.violations += 1
        return action

    def tell(self, conn: Connection, action: AppendToCase, activity_id: str) -> None:
        """Tell whom the case has reached by this."""
        cases = tables.cases
        opened_by = conn.execute(select(cases.c.opened_by).where(cases.c.id == action.case_id)).scalar_one()
        for person_id in action.notify:
            key = f"notice:{action.case_id}:activity:{activity_id}:{person_id}"
            payload = {"event": "violated", "person_id": person_id}
            email = self.roster.people[person_id].email
            self.entries.leave(OutboxKind.NOTICE, key, CaseId(action.case_id), MailId(opened_by), email, payload)


def hold_recorded(conn: Connection, entries: Entries, case_ids: Iterable[str], policy: Policy) -> None:
    """Hold against these cancellations what was reported before they were known, or known to hold since then.

    The case is open again and one level higher, as by a report that comes later; of several activities each is kept
    as evidence, and people are told once. Looks at the oldest 200.
    """
    for case_id in case_ids:
        case = _cancellation(conn, case_id)
        if case is None or case.effective_at is None or case.effective_at > entries.now:
            continue
        against = Against.of(conn, entries, case, policy)
        first: tuple[str, AppendToCase] | None = None
        for activity_id, activity in _recorded(conn, case, case.effective_at):
            if find_violated(activity, [case]) is not None:
                action = against.hold(activity_id, activity)
                first = first or (activity_id, action)
                held = {"verdict": VIOLATION, "case_id": case.id}
                table = tables.activities
                conn.execute(update(table).where(table.c.id == activity_id).values(held))
        if first is not None:
            against.tell(conn, first[1], first[0])


def hold_opened(conn: Connection, entries: Entries, policy: Policy) -> None:
    """Hold what was reported before against the cancellations that these entries, just written, have opened."""
    opened = [row["case_id"] for row in entries.rows(tables.cancellations) if row["effective_at"] <= entries.at]
    if opened:
        following = entries.following()
        hold_recorded(conn, following, opened, policy)
        following.write(conn)


def _cancellation(conn: Connection, case_id: str) -> KnownCase | None:
    row = conn.execute(in_force().where(tables.cases.c.id == case_id)).one_or_none()
    return None if row is None else known_case(row)


def in_force() -> Select[Any]:
    """Select the cases of cancellations that bind, both locked, with the dates that ``known_case`` reads.

    The kind is spelled so that no index serves it: SQLite would walk through all cancellations there ever were.
    """
    cases, cancellations = tables.cases, tables.cancellations
    is_cancellation = text(f"cases.kind || '' = '{CaseKind.CANCELLATION.value}'")
    return (
        select(cases, cancellations.c.effective_at, cancellations.c.watch_until)
        .join(cancellations, cancellations.c.case_id == cases.c.id)
        .where(is_cancellation, binds())
        .with_for_update(of=[cases, cancellations])
    )


def _recorded(conn: Connection, case: KnownCase, since: datetime) -> list[tuple[str, Activity]]:
    """Return what was done to this customer or contract since then and is held against nothing, the oldest first."""
    table, subjects, addresses, codes = (
        tables.activities,
        tables.activity_subjects,
        tables.customer_addresses,
        tables.customer_codes,
    )
    known = {("email", one) for one in conn.scalars(_of(addresses, addresses.c.address, case))}
    for row in conn.execute(_of(codes, codes.c.kind, case).add_columns(codes.c.value)):
        known |= {(name, row.value) for name, kind in _NAMED.items() if kind == row.kind}
    if case.matter:
        known.add(("contract", case.matter))
    found: dict[str, Row[Any]] = {}
    for kind, value in sorted(known):
        query = select(table).join(subjects, subjects.c.activity_id == table.c.id)
        named = (subjects.c.kind == kind) & (subjects.c.value == value) & (subjects.c.happened_at >= to_micros(since))
        free = query.where(named, table.c.verdict != VIOLATION).order_by(subjects.c.happened_at).limit(_MOST_RECORDED)
        found |= {row.id: row for row in conn.execute(free) if row.content}
    oldest = sorted(found.values(), key=lambda row: (row.happened_at, row.id))[:_MOST_RECORDED]
    return [(row.id, _as_reported(row)) for row in oldest]


def _of(table: Table, column: Column[Any], case: KnownCase) -> Select[Any]:
    return select(column).where(table.c.customer_id == case.customer_id).limit(_MOST_NAMES)


def _as_reported(row: Row[Any]) -> Activity:
    told = {**row.content, "kind": ActivityKind(row.kind), "happened_at": from_micros(row.happened_at)}
    return Activity(**told)
