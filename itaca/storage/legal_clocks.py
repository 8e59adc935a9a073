"""Legal clocks of cases: started by what came, warned of and broken by the watch, ended by an answer alone."""

import random
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from itaca.cases.escalation import capped, reached_by_contact
from itaca.cases.law.clock import Law
from itaca.cases.policy import Policy
from itaca.cases.severity import TOP
from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import OutboxKind
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.conditions import is_running_clock
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster


@dataclass(frozen=True)
class LegalLine:
    """One legal clock as the desk shows it; ``says`` and ``source`` are empty where the pack has dropped its rule."""

    rule: str
    pack: str
    says: str
    source: str
    started_at: datetime
    due_at: datetime
    state: str


def start_clock(
    conn: Connection,
    case_id: CaseId,
    matter: str,
    started_at: datetime,
    law: Law,
    entries: Entries,
    *,
    is_new: bool = False,
) -> bool:
    """Start the clock that the law gives for a matter; return False where it gives none or one runs already.

    Args:
        matter: of the rule pack; a person may name another than the router saw.
        is_new: the case was opened in this transaction, so that no clock can run yet.
    """
    found = law.clock(matter, started_at)
    if found is None:
        return False
    clocks = tables.legal_clocks
    running = select(clocks.c.id).where(clocks.c.case_id == case_id, clocks.c.rule == found.rule.id)
    if not is_new and conn.execute(running.where(is_running_clock())).first() is not None:
        return False
    row = {
        "id": entries.new_id(),
        "case_id": case_id,
        "rule": found.rule.id,
        "pack": found.pack,
        "started_at": to_micros(found.started_at),
        "due_at": to_micros(found.due_at),
        "next_at": to_micros(found.warn_at),
    }
    conn.execute(insert(clocks).values(row))
    return True


def choose_matter(
    conn: Connection, case_id: CaseId, matter: str, now: datetime, law: Law, rng: random.Random, actor: str
) -> bool:
    """Let a person say what a case is about in law; its clock counts from the mail that opened it.

    Raises:
        PermanentError: the law gives no term for this matter in this company's sector.
    """
    cases, mails = tables.cases, tables.mails
    query = select(mails.c.received_at).join(cases, cases.c.opened_by == mails.c.id).where(cases.c.id == case_id)
    started_at = from_micros(conn.execute(query.with_for_update(of=cases)).scalar_one())
    entries = Entries(now, rng, actor)
    if law.clock(matter, started_at) is None:
        raise PermanentError(f"the law gives no term for {matter!r} here; it knows {', '.join(law.matters())}")
    is_started = start_clock(conn, case_id, matter, started_at, law, entries)
    if is_started:
        entries.event(case_id, "legal_matter", None, {"matter": matter})
    entries.write(conn)
    return is_started


def legal_lines(conn: Connection, case_id: CaseId, law: Law) -> list[LegalLine]:
    """Return the legal clocks of a case, what runs out first on top."""
    clocks = tables.legal_clocks
    rows = conn.execute(select(clocks).where(clocks.c.case_id == case_id).order_by(clocks.c.due_at, clocks.c.id))
    return [_line(row, law) for row in rows]


def carry_clocks(conn: Connection, from_case: CaseId, to_case: CaseId, entries: Entries) -> int:
    """Start on the case that remains after a merger the clocks of the one that ends; return how many.

    Where both run by the same rule, the earlier date holds and the later one is void: the law counts from the mail
    that came first.
    """
    clocks = tables.legal_clocks
    mine = select(clocks.c.rule, clocks.c.due_at).where(clocks.c.case_id == to_case).where(is_running_clock())
    running = {row.rule: row.due_at for row in conn.execute(mine)}
    rows = conn.execute(select(clocks).where(clocks.c.case_id == from_case).where(is_running_clock())).all()
    carried = [row for row in rows if row.due_at < running.get(row.rule, row.due_at + 1)]
    for row in carried:
        later = (clocks.c.case_id == to_case) & (clocks.c.rule == row.rule)
        void = {"state": "void", "ended_at": entries.at}
        conn.execute(update(clocks).where(later).where(is_running_clock()).values(void))
        conn.execute(insert(clocks).values({**row._mapping, "id": entries.new_id(), "case_id": to_case}))
    return len(carried)


def run_on(conn: Connection, case_id: CaseId, since: datetime) -> int:
    """Let clocks run on that an answer seemed to end after ``since``: it never arrived. Return how many."""
    clocks = tables.legal_clocks
    mine = select(clocks.c.rule).where(clocks.c.case_id == case_id).where(is_running_clock())
    running = list(conn.scalars(mine))
    ended = (clocks.c.case_id == case_id) & (clocks.c.state == "kept") & (clocks.c.ended_at >= to_micros(since))
    again = {"state": "running", "ended_at": None, "next_at": clocks.c.due_at}
    return conn.execute(update(clocks).where(ended, clocks.c.rule.not_in(running)).values(again)).rowcount


def run_clocks(
    conn: Connection, now: datetime, policy: Policy, rng: random.Random, actor: str, limit: int = 100
) -> int:
    """Warn of up to ``limit`` legal clocks that run out soon, break those that have run out; return how many.

    A clock that has run out brings its case to the top of the chain at once. Nothing moves its date: a parked case
    is warned of and broken like any other (losses LM31).
    """
    due = conn.execute(_due(), {"now": to_micros(now), "most": limit}).all()
    if not due:
        return 0
    roster = load_roster(conn, policy.calendar.today(now))
    entries = Entries(now, rng, actor)
    clocks, cases = tables.legal_clocks, tables.cases
    for row in due:
        is_broken = row.due_at <= entries.at
        owner = PersonId(row.owner_id)
        level = capped(roster, owner, TOP if is_broken else max(row.level, 1))
        ended = {"state": "broken", "ended_at": entries.at} if is_broken else {"next_at": row.due_at}
        conn.execute(update(clocks).where(clocks.c.id == row.clock_id).values(ended))
        conn.execute(
            update(cases).where(cases.c.id == row.id).values(level=level, severity=cases.c.severity + 2 * is_broken)
        )
        event = "legal_term_broken" if is_broken else "legal_term_near"
        detail = {"rule": row.rule, "due_at": from_micros(row.due_at).isoformat(), "level": level}
        entries.event(CaseId(row.id), event, None, detail)
        if level > row.level:
            entries.escalate(CaseId(row.id))
        for person_id in reached_by_contact(roster, owner, 0, level):
            entries.leave(
                OutboxKind.NOTICE,
                f"notice:{row.id}:{event}:{row.clock_id}:{person_id}",
                CaseId(row.id),
                MailId(row.opened_by),
                roster.people[person_id].email,
                {"event": event, "person_id": person_id},
            )
    entries.write(conn)
    return len(due)


@cache
def _due() -> Select[Any]:
    """Return the statement of every round of the watch; built once, because building takes longer than running.

    Both are locked, the cases first: a term that an answer has just ended is none to break.
    """
    clocks, cases = tables.legal_clocks, tables.cases
    return (
        select(
            clocks.c.id.label("clock_id"),
            clocks.c.rule,
            clocks.c.due_at,
            cases.c.id,
            cases.c.owner_id,
            cases.c.level,
            cases.c.opened_by,
        )
        .join(cases, cases.c.id == clocks.c.case_id)
        .where(is_running_clock(), clocks.c.next_at <= bindparam("now"))
        .order_by(clocks.c.next_at, clocks.c.id)
        .limit(bindparam("most"))
        .with_for_update(of=[cases, clocks], skip_locked=True)
    )


def _line(row: Row[Any], law: Law) -> LegalLine:
    rule = law.pack.rule(row.rule)
    return LegalLine(
        row.rule,
        row.pack,
        rule.says if rule else "",
        rule.source if rule else "",
        from_micros(row.started_at),
        from_micros(row.due_at),
        row.state,
    )
