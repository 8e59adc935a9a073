"""What the executing systems confirm: a cancellation took effect, an order arrived, a customer came back."""

import random
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from itaca.cases.actions import NewPromise
from itaca.cases.cancellations import Step
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.asks import has_open_asks
from itaca.storage.cancellations import Register, load_cancellation, note_effect, step
from itaca.storage.cases import close_case, close_in
from itaca.storage.entries import Entries
from itaca.storage.violations import hold_recorded


@dataclass(frozen=True)
class Effect:
    """What an executing system says: since when it is done, and what proves it."""

    effected_at: datetime
    evidence: str
    system: str


def confirm_effect(
    conn: Connection, reference: str, effect: Effect, now: datetime, policy: Policy, rng: random.Random, actor: str
) -> bool:
    """Note the effect of a cancellation, keep its promise, and close the case if nothing else is owed in it.

    A customer who wrote more than once, or suffered a violation, is still owed an answer by a person: then the case
    stays open. One that took effect earlier than was known is held against what was reported since then. A
    confirmation of what was known adds its evidence to the history.

    Returns:
        Whether this was news.

    Raises:
        PermanentError: there is no such cancellation, it was closed as none, or nothing proves the effect.
    """
    if not effect.evidence.strip():
        raise PermanentError("a promise is kept by something: say what proves it")
    found = _cancellation(conn, reference)
    entries = Entries(now, rng, actor)
    proof = f"{effect.system}: {effect.evidence}" if effect.system else effect.evidence
    is_new = note_effect(conn, entries, found.case_id, effect.effected_at, effect.evidence, effect.system, policy)
    if not is_new:
        entries.event(found.case_id, "effect_confirmed", None, {"evidence": proof})
        entries.write(conn)
        return False
    if _is_quiet(conn, found):
        close_in(conn, entries, found.case_id, CaseOutcome.EFFECTED, proof)
    else:
        _keep_effect(conn, entries, found.case_id, proof)
        if found.is_open and not _owes(conn, found.case_id):
            entries.promise(found.case_id, NewPromise(PromiseKind.ANSWER, policy.due(CaseKind.COMPLAINT, now)))
    entries.write(conn)
    following = entries.following()
    hold_recorded(conn, following, [found.case_id], policy)
    following.write(conn)
    return True


def withdraw(conn: Connection, reference: str, evidence: str, now: datetime, rng: random.Random, actor: str) -> bool:
    """Note that the customer came back: the cancellation binds nobody any more; return whether this was news.

    Raises:
        PermanentError: there is no such cancellation, or nothing proves it.
    """
    found = _cancellation(conn, reference)
    if not step(conn, found.case_id, Step.WITHDRAWN):
        return False
    if not close_case(conn, found.case_id, CaseOutcome.NOT_A_MATTER, evidence, now, rng, actor):
        entries = Entries(now, rng, actor)
        entries.event(found.case_id, "withdrawn", None, {"evidence": evidence})
        entries.write(conn)
    return True


def confirm_order(
    conn: Connection, reference: str, evidence: str, now: datetime, rng: random.Random, actor: str
) -> bool:
    """Note that the order system has the order, which keeps its promise; return False if that was known.

    Raises:
        PermanentError: no order has this reference, or nothing proves it.
    """
    cases = tables.cases
    query = select(cases.c.id).where(cases.c.reference == reference.strip().upper(), cases.c.kind == "order")
    case_id = conn.execute(query).scalar()
    if case_id is None:
        raise PermanentError(f"no order has the reference {reference}")
    if close_case(conn, CaseId(case_id), CaseOutcome.ORDERED, evidence, now, rng, actor):
        return True
    entries = Entries(now, rng, actor)
    entries.event(CaseId(case_id), "order_confirmed", None, {"evidence": evidence})
    entries.write(conn)
    return False


def _cancellation(conn: Connection, reference: str) -> Register:
    found = load_cancellation(conn, reference, for_update=True)
    if found is None:
        raise PermanentError(f"no cancellation has the reference {reference}")
    return found


def _is_quiet(conn: Connection, found: Register) -> bool:
    cases = tables.cases
    contacts = conn.execute(select(cases.c.contacts).where(cases.c.id == found.case_id)).scalar_one()
    is_asked = has_open_asks(conn, found.case_id)
    return found.is_open and contacts == 1 and found.cancellation.violations == 0 and not is_asked


def _owes(conn: Connection, case_id: CaseId) -> bool:
    promises = tables.promises
    owed = exists().where(promises.c.case_id == case_id, promises.c.state == "open")
    return bool(conn.execute(select(owed)).scalar())


def _keep_effect(conn: Connection, entries: Entries, case_id: CaseId, evidence: str) -> None:
    promises = tables.promises
    effect = promises.c.kind == PromiseKind.EFFECT.value
    kept = conn.execute(
        update(promises)
        .where(promises.c.case_id == case_id, promises.c.state == "open", effect)
        .values(state="kept", ended_at=entries.at, evidence=evidence)
    ).rowcount
    if kept:
        entries.event(case_id, "promise_kept", None, {"evidence": evidence})
