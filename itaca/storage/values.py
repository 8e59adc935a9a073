"""Answers in the ledger: noted when they leave, scored when it is known what they changed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, union_all, update

from itaca.cases.policy import Policy
from itaca.cases.value import AnswerFacts, Bar, Fact, Value, pareto, score
from itaca.cases.written_answers import ATTACHMENT
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseOutcome
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.columns import Id
from itaca.storage.conditions import is_unscored
from itaca.storage.entries import Entries
from itaca.storage.mails import load_texts
from itaca.storage.moments import to_micros

_FACTS = {
    "closed": Fact.STATE_CHANGED,
    "effected": Fact.STATE_CHANGED,
    "asks_ticked": Fact.QUESTION_ANSWERED,
    "promised": Fact.PROMISE_MADE,
    "asks_promised": Fact.PROMISE_MADE,
    "money_moved": Fact.MOVED,
    "goods_moved": Fact.MOVED,
}
_CONTACTS = ("appended", "reopened", "violated")
_FORWARDS = ("handed_over", "passed_on")
_FAILURES = ("promise_broken", "violated", "legal_term_broken", "reply_failed", "reply_unknown")
_NO_CONTACT = ["a reply on this case"]
_MOST_EVENTS = 500
_MOST_MAILS = 50


class Moved(StrEnum):
    """What was moved for the customer."""

    MONEY = "money_moved"
    GOODS = "goods_moved"


class By(StrEnum):
    """What zero-value answers are counted by."""

    CAUSE = "cause"
    TEMPLATE = "template"
    TEAM = "team"


@dataclass(frozen=True)
class NewAnswer:
    """A person's answer as it left.

    ``written_at``: when it was written: what else was done with it has this moment. ``asks_for``: kinds of data that
    it asks the customer for, as ``itaca.mail.model.EntityKind`` names them, or ``attachment``.
    """

    interaction_id: str
    case_id: CaseId
    written_at: datetime
    template: str = ""
    asks_for: tuple[str, ...] = ()
    is_forward: bool = False


def note_answer(conn: Connection, answer: NewAnswer, policy: Policy) -> None:
    """Note an answer that left; it is scored when the customer has had time to write again."""
    events, people = tables.case_events, tables.people
    wrote = (events.c.case_id == answer.case_id) & (events.c.kind == "replied")
    query = select(people.c.id, people.c.team_id).join(events, events.c.actor == people.c.id)
    writer = conn.execute(query.where(wrote).order_by(events.c.at.desc()).limit(1)).first()
    row = {
        "interaction_id": answer.interaction_id,
        "case_id": answer.case_id,
        "person_id": writer.id if writer else None,
        "team_id": writer.team_id if writer else None,
        "template": answer.template,
        "asks_for": list(answer.asks_for),
        "is_forward": answer.is_forward,
        "answered_at": to_micros(answer.written_at),
        "score_at": to_micros(answer.written_at + timedelta(days=policy.rewrite_days)),
    }
    conn.execute(insert(tables.answer_values).values(row))


def note_movement(
    conn: Connection, case_id: CaseId, what: Moved, evidence: str, now: datetime, rng: random.Random, actor: str
) -> None:
    """Write into the history that money or goods moved for the customer, with what proves it.

    Raises:
        PermanentError: nothing proves it.
    """
    if not evidence.strip():
        raise PermanentError("say what proves that it moved: a transfer, a parcel")
    entries = Entries(now, rng, actor)
    entries.event(case_id, what.value, None, {"evidence": evidence.strip()})
    entries.write(conn)


def score_due(conn: Connection, now: datetime, limit: int = 100) -> int:
    """Score up to ``limit`` answers whose time is over; return how many, 0 when none is left."""
    rows = conn.execute(_due(), {"now": to_micros(now), "most": limit}).all()
    values = tables.answer_values
    for row in rows:
        facts = _facts(conn, row)
        value = score(facts)
        found = _row(value, facts.contacts_after) | {"scored_at": to_micros(now)}
        conn.execute(update(values).where(values.c.interaction_id == row.interaction_id).values(found))
    return len(rows)


def value_so_far(conn: Connection, interaction_id: str) -> Value | None:
    """Return what an answer is worth by what is known now; None if it is no person's answer."""
    values = tables.answer_values
    row = conn.execute(select(values).where(values.c.interaction_id == interaction_id)).first()
    return None if row is None else score(_facts(conn, row))


def zero_values(conn: Connection, by: By, since: datetime, until: datetime) -> list[Bar]:
    """Return the zero-value answers written in [since, until), ranked by what they cost, as a Pareto plot shows them.

    Answers without a template, and people without a team, stand under an empty name.
    """
    values, teams = tables.answer_values, tables.teams
    name = {By.CAUSE: values.c.cause, By.TEMPLATE: values.c.template, By.TEAM: func.coalesce(teams.c.name, "")}[by]
    query = select(name, func.count(), func.sum(values.c.contacts_after)).where(
        values.c.answered_at >= to_micros(since), values.c.answered_at < to_micros(until), values.c.cause != ""
    )
    if by is By.TEAM:
        query = query.outerjoin(teams, teams.c.id == values.c.team_id)
    return pareto([(str(n), int(count), int(cost)) for n, count, cost in conn.execute(query.group_by(name))])


def _row(value: Value, contacts: int) -> dict[str, Any]:
    cause = value.cause.value if value.cause else ""
    return {"points": value.points, "cause": cause, "contacts_after": contacts, "reasons": list(value.reasons)}


def _facts(conn: Connection, row: Row[Any]) -> AnswerFacts:
    """Gather what happened from the answer until the next one or the end of its time."""
    values = tables.answer_values
    mine = select(values.c.answered_at, values.c.template).where(values.c.case_id == row.case_id)
    others = conn.execute(mine.where(values.c.interaction_id != row.interaction_id)).all()
    until = min([row.score_at, *(one.answered_at for one in others if one.answered_at > row.answered_at)])
    events = conn.execute(_events(), {"case_id": row.case_id, "until": until, "most": _MOST_EVENTS}).all()
    after = [event for event in events if event.at >= row.answered_at]
    facts = {_FACTS[event.kind] for event in after if event.kind in _FACTS and not _is_merger(event)}
    if any(event.kind == "promise_kept" and event.detail.get("evidence") for event in after):
        facts.add(Fact.PROMISE_KEPT)
    contacts = [e for e in after if e.kind in _CONTACTS and e.detail.get("reasons") != _NO_CONTACT]
    earlier = [one for one in others if one.answered_at < row.answered_at]
    return AnswerFacts(
        frozenset(facts),
        len(contacts),
        _asked_again(conn, row),
        row.is_forward or (facts <= {Fact.PROMISE_MADE} and any(event.kind in _FORWARDS for event in after)),
        bool(row.template) and any(one.template == row.template for one in earlier),
        any(event.kind in _FAILURES for event in events if event.at < row.answered_at),
    )


def _asked_again(conn: Connection, row: Row[Any]) -> tuple[str, ...]:
    """Return which of the data asked for stand in the case's mails from before the answer."""
    if not row.asks_for:
        return ()
    links, mails = tables.case_mails, tables.mails
    query = select(links.c.mail_id).join(mails, mails.c.id == links.c.mail_id)
    before = query.where(links.c.case_id == row.case_id, mails.c.received_at < row.answered_at)
    ids: Sequence[str] = conn.scalars(before.order_by(links.c.mail_id.desc()).limit(_MOST_MAILS)).all()
    texts = load_texts(conn, [MailId(one) for one in ids]).values()
    given = {entity.kind.value for text in texts for entity in text.entities}
    given |= {ATTACHMENT for text in texts if text.attachments}
    return tuple(one for one in row.asks_for if one in given)


def _is_merger(event: Row[Any]) -> bool:
    """A case that goes on in another one has ended nothing for the customer."""
    return bool(event.kind == "closed" and event.detail.get("outcome") == CaseOutcome.MERGED.value)


@cache
def _due() -> Select[Any]:
    """Return the statement of every round of the watch; built once, because building takes longer than running."""
    values = tables.answer_values
    return (
        select(values)
        .where(is_unscored(), values.c.score_at <= bindparam("now"))
        .order_by(values.c.score_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


@cache
def _events() -> Select[Any]:
    events, mergers = tables.case_events, tables.mergers
    into = select(mergers.c.into_id).where(mergers.c.case_id == bindparam("case_id"))
    here = union_all(select(bindparam("case_id", type_=Id).label("id")), into)
    return (
        select(events.c.at, events.c.kind, events.c.detail)
        .where(events.c.case_id.in_(here), events.c.at < bindparam("until"))
        .order_by(events.c.at.desc())
        .limit(bindparam("most"))
    )
