"""Cancellations in the ledger: every step goes through the machine of ``itaca.cases.cancellations``, row in hand."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, select, text, update

from itaca.cases.cancellations import Cancellation, Step, after, grown_older, take_effect
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, CaseReference
from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import cancellations, cases

_CASE_FIRST = [cases, cancellations]
"""What is locked, in this order: whoever holds a case may want its cancellation, and nobody the other way."""


@dataclass(frozen=True)
class Register:
    """One cancellation as the register shows it. ``matter`` is the contract it names, empty for all of them."""

    case_id: CaseId
    reference: CaseReference
    matter: str
    is_open: bool
    cancellation: Cancellation
    system: str
    evidence: str


def load_cancellation(conn: Connection, reference: str, for_update: bool = False) -> Register | None:
    """Return the cancellation of the case with this reference; None if the case has none or there is no case."""
    query = _registered().where(cases.c.reference == reference.strip().upper())
    if for_update:
        query = query.with_for_update(of=_CASE_FIRST)
    row = conn.execute(query).one_or_none()
    return None if row is None else register_of(row)


def list_cancellations(
    conn: Connection, *, state: CancellationState | None = None, before: str = "", limit: int = 50
) -> Sequence[Register]:
    """Return cancellations, the newest first.

    Args:
        before: the ``case_id`` of the last one of the page before; empty for the first page.
    """
    query = _registered().order_by(cancellations.c.case_id.desc()).limit(limit)
    if before:
        query = query.where(cancellations.c.case_id < before)
    if state is not None:
        query = query.where(cancellations.c.state == state.value)
    return [register_of(row) for row in conn.execute(query)]


def load_effect(conn: Connection, case_id: CaseId) -> datetime | None:
    """Return since when the cancellation of a case is done; None if it is not, or the case has none."""
    query = select(cancellations.c.effected_at).where(cancellations.c.case_id == case_id)
    effected_at = conn.execute(query).scalar()
    return None if effected_at is None else from_micros(effected_at)


def step(conn: Connection, case_id: CaseId, taken: Step) -> bool:
    """Take one step; return whether it changed anything. A case without a cancellation takes none.

    Raises:
        PermanentError: the machine refuses it.
    """
    found = _lock(conn, case_id)
    if found is None:
        return False
    reached = after(found, taken)
    if reached != found:
        _save(conn, case_id, reached)
    return reached != found


def is_binding(conn: Connection, case_id: CaseId) -> bool:
    """Say whether a case has a cancellation that was not ended as none or as withdrawn."""
    found = _lock(conn, case_id)
    return found is not None and found.holds


def note_effect(
    conn: Connection,
    entries: Entries,
    case_id: CaseId,
    effected_at: datetime,
    evidence: str,
    system: str = "",
    policy: Policy | None = None,
) -> bool:
    """Note that a cancellation took effect, with what proves it; return False if that was known or it is none.

    Raises:
        PermanentError: it was closed as no cancellation, or as withdrawn.
    """
    found = _lock(conn, case_id)
    if found is None:
        return False
    done = take_effect(found, effected_at, entries.now, policy or Policy())
    if found.effected_at is not None:
        return False
    _save(conn, case_id, done, system=system, evidence=evidence)
    detail = {"system": system, "evidence": evidence, "effected_at": effected_at.isoformat()}
    entries.event(case_id, "effected", None, {**detail, "effective_at": done.effective_at.isoformat()})
    return True


def follow_watches(conn: Connection, now: datetime, rng: random.Random, actor: str, limit: int = 100) -> int:
    """Begin the watches whose date has come and end those that are over; return how many changed.

    Call again until it returns 0. A case that is open again after a violation keeps its watch until it is answered.
    """
    due = conn.execute(_due(), {"now": to_micros(now), "most": limit}).all()
    over = conn.execute(_over(), {"now": to_micros(now), "most": limit}).all()
    entries = Entries(now, rng, actor)
    changed = 0
    for row in (*due, *over):
        found = cancellation_of(row)
        reached = grown_older(found, now, is_answered=row.status == "closed")
        if reached == found:
            continue
        changed += 1
        _save(conn, CaseId(row.case_id), reached)
        detail = {"until": reached.watch_until.isoformat()}
        kind = "watch_ended" if reached.state is CancellationState.CLOSED else "watched"
        entries.event(CaseId(row.case_id), kind, None, detail)
    entries.write(conn)
    return changed


def cancellation_of(row: Row[Any]) -> Cancellation:
    """Return the cancellation in a row of its table."""
    return Cancellation(
        state=CancellationState(row.state),
        requested_at=from_micros(row.requested_at),
        effective_at=from_micros(row.effective_at),
        watch_until=from_micros(row.watch_until),
        effected_at=None if row.effected_at is None else from_micros(row.effected_at),
        ended_as=None if row.ended_as is None else CancellationEnd(row.ended_as),
        violations=row.violations,
    )


def register_of(row: Row[Any]) -> Register:
    return Register(
        case_id=CaseId(row.case_id),
        reference=CaseReference(row.reference),
        matter=row.matter,
        is_open=row.status == "open",
        cancellation=cancellation_of(row),
        system=row.system,
        evidence=row.evidence,
    )


def _lock(conn: Connection, case_id: CaseId) -> Cancellation | None:
    row = conn.execute(_locking(), {"which": case_id}).one_or_none()
    return None if row is None else cancellation_of(row)


def _save(conn: Connection, case_id: CaseId, reached: Cancellation, **more: str) -> None:
    values = {
        "state": reached.state.value,
        "effective_at": to_micros(reached.effective_at),
        "watch_until": to_micros(reached.watch_until),
        "effected_at": None if reached.effected_at is None else to_micros(reached.effected_at),
        "ended_as": None if reached.ended_as is None else reached.ended_as.value,
        **more,
    }
    conn.execute(_saving(), {"which": case_id, **values})


@cache
def _registered() -> Select[Any]:
    """Statements that are often asked are built once: building one takes longer than running it."""
    columns = select(cancellations, cases.c.reference, cases.c.matter, cases.c.status)
    return columns.join(cases, cases.c.id == cancellations.c.case_id)


@cache
def _locking() -> Select[Any]:
    query = select(cancellations).join(cases, cases.c.id == cancellations.c.case_id)
    return query.where(cancellations.c.case_id == bindparam("which")).with_for_update(of=_CASE_FIRST)


@cache
def _saving() -> Update:
    return update(cancellations).where(cancellations.c.case_id == bindparam("which"))


@cache
def _due() -> Select[Any]:
    begins = text("cancellations.state = 'effected'")
    return _waiting().where(begins, cancellations.c.effective_at <= bindparam("now"))


@cache
def _over() -> Select[Any]:
    """Cases that are open again are skipped here: a page full of them would hide the others for ever."""
    watched, answered = text("cancellations.state = 'watched'"), text("cases.status = 'closed'")
    return _waiting().where(watched, answered, cancellations.c.watch_until <= bindparam("now"))


def _waiting() -> Select[Any]:
    columns = select(cancellations, cases.c.status).join(cases, cases.c.id == cancellations.c.case_id)
    return columns.limit(bindparam("most")).with_for_update(of=_CASE_FIRST, skip_locked=True)
