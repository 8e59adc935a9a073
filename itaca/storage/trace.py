"""The life of one mail or one case, as dated facts in order: what ``itaca trace`` shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, select

from itaca.contracts.ids import CaseId, MailId
from itaca.storage.mails import find_by_message_id, load_mails
from itaca.storage.moments import from_micros
from itaca.storage.tables import (
    case_events,
    case_mails,
    cases,
    erased_cases,
    erased_mails,
    erasures,
    mail_texts,
    outbox,
    people,
    promises,
    readings,
)

MOST_ROWS = 2_000
"""A trace reads at most so many rows of each table; a life is never that long."""


@dataclass(frozen=True)
class Fact:
    """Something that happened. ``subject`` is the mail's id or the case's reference; details are short values."""

    at: datetime
    what: str
    subject: str
    detail: dict[str, object] = field(default_factory=dict)


def life_of(connection: Connection, key: str) -> list[Fact]:
    """Return every fact of what the key names, oldest first; nothing when it names nothing.

    Args:
        key: a mail id, a Message-ID with or without its brackets (several mails may carry one), or the
            reference of a case. A mail brings the cases it belongs to; a case brings its mails.
    """
    mail_ids, case_ids = _named(connection, key.strip())
    facts = [*_of_mails(connection, mail_ids), *_of_cases(connection, case_ids)]
    return sorted([*facts, *_sent(connection, mail_ids, case_ids)], key=lambda fact: fact.at)


def _named(connection: Connection, key: str) -> tuple[list[MailId], list[CaseId]]:
    case_id = connection.execute(select(cases.c.id).where(cases.c.reference == key.upper())).scalar()
    if case_id is not None:
        linked = select(case_mails.c.mail_id).where(case_mails.c.case_id == case_id).limit(MOST_ROWS)
        return [MailId(one) for one in connection.execute(linked).scalars()], [CaseId(case_id)]
    ids = list(load_mails(connection, [MailId(key.lower())])) or _with_message_id(connection, key)
    if not ids:
        return [], []
    linked = select(case_mails.c.case_id).distinct().where(case_mails.c.mail_id.in_(ids)).limit(MOST_ROWS)
    return ids, [CaseId(one) for one in connection.execute(linked).scalars()]


def _with_message_id(connection: Connection, key: str) -> list[MailId]:
    bare = key.strip("<>")
    found = [find_by_message_id(connection, spelling) for spelling in (bare, f"<{bare}>")]
    return list(dict.fromkeys(chain.from_iterable(found)))


def _of_mails(connection: Connection, ids: Sequence[MailId]) -> Iterator[Fact]:
    texts = select(mail_texts.c.mail_id, mail_texts.c.text).where(mail_texts.c.mail_id.in_(ids))
    read = {mail_id: text for mail_id, text in connection.execute(texts)}
    for mail in load_mails(connection, ids).values():
        envelope = {"from": mail.envelope.sender, "to": list(mail.envelope.recipients), "client": mail.client}
        yield Fact(mail.received_at, "received", mail.id, {**envelope, "size_bytes": mail.size_bytes})
        if mail.id in read:
            yield Fact(mail.received_at, "read", mail.id, _read(read[mail.id]))
        if mail.settled_at is not None:
            outcome: dict[str, object] = {"outcome": mail.outcome, "by": mail.settled_by, "attempts": mail.attempts}
            yield Fact(mail.settled_at, "settled", mail.id, outcome)
        else:
            yield Fact(mail.drive_at, "to be driven again", mail.id, {"attempts": mail.attempts})
    gone = select(erasures, erased_mails.c.mail_id).join(erased_mails, erased_mails.c.erasure_id == erasures.c.id)
    for row in connection.execute(gone.where(erased_mails.c.mail_id.in_(ids))):
        yield _erased(row, row.mail_id)
    judged = select(readings).where(readings.c.mail_id.in_(ids)).limit(MOST_ROWS)
    for row in connection.execute(judged):
        verdicts = row.judgement.get("verdicts", {})
        yield Fact(from_micros(row.read_at), "judged", row.mail_id, {"model": row.model, "verdicts": verdicts})


def _erased(row: Row[Any], subject: str) -> Fact:
    """Its words are gone, and this is why so little stands beside it."""
    return Fact(from_micros(row.at), "erased", subject, {"by": row.by, "reason": row.reason})


def _read(text: dict[str, object]) -> dict[str, object]:
    shown = ("language", "automatic", "certified", "defects", "message_id")
    return {name: text[name] for name in shown if text.get(name)}


def _of_cases(connection: Connection, ids: Sequence[CaseId]) -> Iterator[Fact]:
    query = select(cases, people.c.name.label("owner")).join(people, people.c.id == cases.c.owner_id, isouter=True)
    references: dict[str, str] = {}
    for row in connection.execute(query.where(cases.c.id.in_(ids))):
        references[row.id] = row.reference
        opened = {"kind": row.kind, "owner": row.owner or "the order system", "opened_by": row.opened_by}
        yield Fact(from_micros(row.opened_at), "case opened", row.reference, opened)
        if row.closed_at is not None:
            yield Fact(from_micros(row.closed_at), "case closed", row.reference, {"outcome": row.outcome})
    for row in connection.execute(select(case_events).where(case_events.c.case_id.in_(ids)).limit(MOST_ROWS)):
        detail = {"actor": row.actor, "mail_id": row.mail_id, **row.detail}
        yield Fact(from_micros(row.at), row.kind, references[row.case_id], detail)
    gone = select(erasures, erased_cases.c.case_id).join(erased_cases, erased_cases.c.erasure_id == erasures.c.id)
    for row in connection.execute(gone.where(erased_cases.c.case_id.in_(ids))):
        yield _erased(row, references[row.case_id])
    yield from _promised(connection, ids, references)


def _promised(connection: Connection, ids: Iterable[CaseId], references: dict[str, str]) -> Iterator[Fact]:
    query = select(promises).where(promises.c.case_id.in_(list(ids))).limit(MOST_ROWS)
    for row in connection.execute(query):
        due = None if row.due_at is None else from_micros(row.due_at).isoformat()
        made = {"kind": row.kind, "due_at": due}
        yield Fact(from_micros(row.made_at), "promise made", references[row.case_id], made)
        if row.ended_at is not None:
            ended = {"kind": row.kind, "evidence": row.evidence}
            yield Fact(from_micros(row.ended_at), f"promise {row.state}", references[row.case_id], ended)


def _sent(connection: Connection, mail_ids: Sequence[MailId], case_ids: Sequence[CaseId]) -> Iterator[Fact]:
    by_case = select(outbox).where(outbox.c.case_id.in_(case_ids))
    by_mail = select(outbox).where(outbox.c.mail_id.in_(mail_ids))
    rows = {row.id: row for query in (by_case, by_mail) for row in connection.execute(query.limit(MOST_ROWS))}
    for row in rows.values():
        subject = str(row.mail_id or row.case_id)
        written = {"kind": row.kind, "id": row.id, "recipient": row.recipient}
        yield Fact(from_micros(row.created_at), "put in the outbox", subject, written)
        if row.ended_at is not None:
            ended = {"kind": row.kind, "id": row.id, "attempts": row.attempts, "detail": row.detail}
            yield Fact(from_micros(row.ended_at), f"outbox {row.state}", subject, ended)
