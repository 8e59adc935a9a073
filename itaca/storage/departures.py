"""What changes in the ledger when something has left: the entry ends, and what it promised is noted with it."""

import random
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from itaca.cases.actions import NewPromise
from itaca.cases.cancellations import Step
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, OutboxId
from itaca.contracts.intents import CaseOutcome, OutboxKind, OutboxState, PromiseKind
from itaca.mail.defects import NOT_DELIVERED
from itaca.mail.model import AutomaticKind, MailText
from itaca.storage import tables
from itaca.storage.cancellations import step
from itaca.storage.case_links import open_instead, surviving
from itaca.storage.cases import close_in
from itaca.storage.entries import Entries
from itaca.storage.legal_clocks import run_on
from itaca.storage.moments import to_micros
from itaca.storage.outbox import OutboxEntry, finish, give_back
from itaca.storage.team_calendars import calendar_of_person
from itaca.storage.values import NewAnswer, note_answer

ACTOR = "courier"
RETURNED = "a delivery report says that it did not arrive"
_ANSWER_ID = re.compile(r"<re\.[0-9a-f-]{36}\.([0-9a-f-]{36})@")


def departed(conn: Connection, entry: OutboxEntry, now: datetime, rng: random.Random, how: str) -> bool:
    """End an entry as sent; an order handed off keeps its promise by that; return False if it had ended already.

    Args:
        how: by which door it left, in words: the evidence.
    """
    if not finish(conn, entry.id, OutboxState.SENT, now, how):
        return False
    entries = Entries(now, rng, ACTOR)
    _note_departure(conn, entries, entry, how)
    entries.write(conn)
    if entry.kind is OutboxKind.REPLY:
        _note_answer(conn, entry, entries.rows(tables.interactions)[-1]["id"])
    return True


def _note_departure(conn: Connection, entries: Entries, entry: OutboxEntry, how: str) -> None:
    match entry.kind:
        case OutboxKind.ACKNOWLEDGEMENT:
            _acknowledged(conn, entries, entry)
        case OutboxKind.REPLY:
            entries.event(_case(entry), "reply_sent", entry.mail_id, {"how": how})
            _interaction(conn, entries, entry, "answered")
        case OutboxKind.ORDER_HANDOFF:
            close_in(conn, entries, _case(entry), CaseOutcome.ORDERED, how)
        case OutboxKind.CANCELLATION_HANDOFF:
            entries.event(_case(entry), "handed", entry.mail_id, {"how": how})
            step(conn, _case(entry), Step.HANDED)
        case OutboxKind.NOTICE | OutboxKind.DAILY_LIST | OutboxKind.WEBHOOK:
            pass


def failed(
    conn: Connection, entry: OutboxEntry, state: OutboxState, now: datetime, rng: random.Random, why: str
) -> None:
    """End an entry that did not leave (or perhaps did: ``unknown``), and write it into the case's history."""
    if finish(conn, entry.id, state, now, why) and entry.case_id is not None:
        _note_failure(conn, Entries(now, rng, ACTOR), entry, state, why)


def returned(conn: Connection, reports: Iterable[MailText], now: datetime, rng: random.Random, actor: str) -> int:
    """Hear of answers that were taken by a mail server and did not arrive: each is owed again, once; return how many.

    Args:
        reports: mails; those that report a failed delivery of a person's letter count, certified or not.
    """
    failures = (one for one in reports if one.automatic is AutomaticKind.BOUNCE or NOT_DELIVERED in one.defects)
    found = (_ANSWER_ID.match(text.refers_to) for text in failures)
    heard = 0
    for entry_id in dict.fromkeys(OutboxId(match[1]) for match in found if match):
        entry = give_back(conn, entry_id, now, RETURNED)
        if entry is not None and entry.case_id is not None:
            _note_failure(conn, Entries(now, rng, actor), entry, OutboxState.FAILED, RETURNED)
            heard += 1
    return heard


def _note_failure(conn: Connection, entries: Entries, entry: OutboxEntry, state: OutboxState, why: str) -> None:
    case_id = _case(entry)
    entries.event(case_id, f"{entry.kind.value}_{state.value}", entry.mail_id, {"why": why})
    if entry.kind is OutboxKind.REPLY:
        _owe_again(conn, entries, entry, open_instead(conn, surviving(conn, case_id)))
    entries.write(conn)


def _note_answer(conn: Connection, entry: OutboxEntry, interaction_id: str) -> None:
    """Note the answer, so that it is measured: ``template``, ``asks_for``, ``is_forward`` as the payload has them."""
    payload = entry.payload
    answer = NewAnswer(
        interaction_id,
        _case(entry),
        entry.created_at,
        str(payload.get("template", "")),
        tuple(payload.get("asks_for", ())),
        bool(payload.get("is_forward", False)),
    )
    note_answer(conn, answer, Policy())


def _owe_again(conn: Connection, entries: Entries, entry: OutboxEntry, case_id: CaseId) -> None:
    """An answer that never arrived answered nothing: the case is open, an answer is owed and its owner knows."""
    cases, people = tables.cases, tables.people
    query = select(cases, people.c.email).outerjoin(people, people.c.id == cases.c.owner_id)
    row = conn.execute(query.where(cases.c.id == case_id).with_for_update(of=cases)).one()
    due_at = Policy().next_escalation(entries.now, calendar_of_person(conn, row.owner_id))
    owed = NewPromise(PromiseKind.ANSWER, due_at)
    entries.raise_case(case_id, row.severity + 1, row.level, row.contacts, owed)
    run_on(conn, case_id, entry.created_at)
    if row.owner_id is not None:
        payload = {"event": "reply_failed", "person_id": row.owner_id}
        key = f"notice:{case_id}:reply_failed:{entry.id}"
        entries.leave(OutboxKind.NOTICE, key, case_id, entry.mail_id, row.email, payload)


def _acknowledged(conn: Connection, entries: Entries, entry: OutboxEntry) -> None:
    """Note the receipt in every case that it names; for a cancellation this is a step."""
    for case_id in entry.payload["case_ids"]:
        entries.event(CaseId(case_id), "acknowledged", entry.mail_id, {})
        step(conn, CaseId(case_id), Step.RECEIPTED)
    _interaction(conn, entries, entry, "acknowledged")


def _case(entry: OutboxEntry) -> CaseId:
    if entry.case_id is None:
        raise ValueError("a hand-off without its case")
    return entry.case_id


def _interaction(conn: Connection, entries: Entries, entry: OutboxEntry, outcome: str) -> None:
    customer = conn.scalar(_customer_of(), {"case_id": entry.case_id})
    entries.row(
        tables.interactions,
        id=entries.new_id(),
        customer_id=customer,
        case_id=entry.case_id,
        mail_id=None,
        outbox_id=entry.id,
        direction="out",
        channel="mail",
        at=to_micros(entries.now),
        outcome=outcome,
    )


@cache
def _customer_of() -> Select[Any]:
    """Every acknowledgement asks this; built once, as building takes longer than running."""
    return select(tables.cases.c.customer_id).where(tables.cases.c.id == bindparam("case_id"))
