"""Mail that waits for a person's decision: the next one, and what follows from the decision."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from itaca.cases.model import KnownCase, MailFacts
from itaca.cases.policy import Policy
from itaca.cases.reviewed import reviewed_matters
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, CaseReference, MailId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage.asks import carry_asks, tick_all
from itaca.storage.case_acts import Act, hold_open
from itaca.storage.case_links import unlink_beside
from itaca.storage.cases import close_case
from itaca.storage.conditions import is_of_kind, is_open_case, is_unchecked
from itaca.storage.desk_case import case_version, newest_judgements
from itaca.storage.desk_lists import count_open
from itaca.storage.effects import Effects
from itaca.storage.followups import follow_up
from itaca.storage.labels import set_label
from itaca.storage.mails import load_texts
from itaca.storage.moments import dated, from_micros, to_micros
from itaca.storage.paging import Tally, tally
from itaca.storage.people import load_roster
from itaca.storage.standing import load_writers, lock_writers
from itaca.storage.tables import audit_samples, case_events, cases, mails


@dataclass(frozen=True)
class ToDecide:
    """One mail that waits for a decision; ``why`` says what made the machine ask."""

    case_id: CaseId
    reference: CaseReference
    version: int
    mail_id: MailId
    received_at: datetime
    due_at: datetime | None
    text: MailText
    judgement: Judgement | None
    why: tuple[str, ...]


def next_to_decide(conn: Connection, owner_id: PersonId, anybodys: bool, but: str = "") -> ToDecide | None:
    """Return the mail whose promise breaks first; one's own before anybody's, None if none waits.

    Args:
        anybodys: decide about mail of others as well.
        but: the reference of a case to leave for later.
    """
    for whose in (owner_id, None) if anybodys else (owner_id,):
        row = conn.execute(_waiting(whose).where(cases.c.reference != but).limit(1)).first()
        if row is not None:
            return _to_decide(conn, row)
    return next_to_decide(conn, owner_id, anybodys) if but else None


def left_to_decide(conn: Connection, owner_id: PersonId, anybodys: bool) -> Tally:
    """Return how many mails wait for this person's decision."""
    return count_open(conn, None if anybodys else owner_id, (CaseKind.REVIEW,))


def left_to_check(conn: Connection) -> Tally:
    """Return how many mails wait for the blind check."""
    return tally(conn, select(audit_samples.c.mail_id).where(is_unchecked()))


def decide_review(
    conn: Connection, act: Act, intents: Collection[Intent], email: str, policy: Policy
) -> list[CaseReference]:
    """Do what a person decided about a mail: its label, the cases it opens or joins, and the end of the review.

    Args:
        intents: everything the mail is, in the eyes of this person; none means that it asks nothing of us.

    Returns:
        The cases that now hold the mail.

    Raises:
        StaleError: somebody else decided meanwhile.
        PermanentError: the case is no review.
        TransientError: nobody can own a case.
    """
    # The writer before the case, as routers take them.
    opener = conn.scalars(select(cases.c.opened_by).where(cases.c.id == act.case_id)).all()
    lock_writers(conn, load_texts(conn, map(MailId, opener)).values())
    row = hold_open(conn, act)
    if row.kind != CaseKind.REVIEW.value:
        raise PermanentError("only a mail that waits for it can be decided about")
    mail_id = MailId(row.opened_by)
    set_label(conn, mail_id, intents, email, False, act.now, act.rng)
    found = _follow(conn, act, mail_id, intents, policy) if intents else []
    entries = act.entries()
    said = sorted(intent.value for intent in intents)
    entries.event(act.case_id, "decided", mail_id, {"intents": said})
    entries.write(conn)
    if found:
        _pass_asks_on(conn, act, found)
    outcome = CaseOutcome.MERGED if found else CaseOutcome.NOT_A_MATTER
    evidence = ", ".join(case.reference for case in found) or "a person read it: it asks nothing of us"
    close_case(conn, act.case_id, outcome, evidence, act.now, act.rng, act.person_id)
    return [case.reference for case in found]


def _pass_asks_on(conn: Connection, act: Act, found: Sequence[KnownCase]) -> None:
    """Let who answers answer what was asked; the system that takes an order on is asked nothing, and closes it."""
    answering = next((case for case in found if case.kind is not CaseKind.ORDER), None)
    if answering is not None:
        carry_asks(conn, act.case_id, answering.id)
    else:
        tick_all(conn, act.case_id, "a person read it: it is an order", act.now, act.rng, act.person_id)


def _follow(
    conn: Connection, act: Act, mail_id: MailId, intents: Collection[Intent], policy: Policy
) -> list[KnownCase]:
    """Route the mail as a person sees it, and return its cases; its settlement stands, its asks are the review's."""
    today = policy.calendar.today(act.now)
    mail = _facts(conn, mail_id)
    writers = load_writers(conn, [mail.text], load_roster(conn, today))
    standing = writers.standing_of(mail)
    entries = act.entries()
    effects = Effects(conn, entries, writers, today, act.rng)
    _, touched = effects.follow(mail, standing, reviewed_matters(mail, standing, policy, intents, act.now))
    for case_id in touched:
        unlink_beside(conn, case_id, mail_id)
    entries.write(conn)
    follow_up(conn, entries, {}, {mail_id: to_micros(mail.received_at)}, policy)
    return [writers.cases[case_id] for case_id in touched]


def _facts(conn: Connection, mail_id: MailId) -> MailFacts:
    row = conn.execute(select(mails.c.received_at, mails.c.envelope_to).where(mails.c.id == mail_id)).one()
    text = load_texts(conn, [mail_id]).get(mail_id, MailText(is_readable=False))
    judgement = newest_judgements(conn, [mail_id]).get(mail_id)
    return MailFacts(mail_id, from_micros(row.received_at), text, judgement, delivered_to=tuple(row.envelope_to))


def _waiting(owner_id: PersonId | None) -> Select[Any]:
    """Return the reviews of somebody, or of everybody, along the index of what breaks first."""
    query = (
        select(cases, mails.c.received_at)
        .join(mails, mails.c.id == cases.c.opened_by)
        .where(is_open_case(), is_of_kind(CaseKind.REVIEW))
        .order_by(cases.c.breaks_at, cases.c.id)
    )
    return query if owner_id is None else query.where(cases.c.owner_id == owner_id)


def _to_decide(conn: Connection, row: Any) -> ToDecide:
    case_id, mail_id = CaseId(row.id), MailId(row.opened_by)
    first = select(case_events.c.detail).where(case_events.c.case_id == case_id, case_events.c.kind == "opened")
    detail = conn.execute(first.limit(1)).scalar() or {}
    return ToDecide(
        case_id=case_id,
        reference=CaseReference(row.reference),
        version=case_version(conn, case_id),
        mail_id=mail_id,
        received_at=from_micros(row.received_at),
        due_at=dated(row.breaks_at),
        text=load_texts(conn, [mail_id]).get(mail_id, MailText(is_readable=False)),
        judgement=newest_judgements(conn, [mail_id]).get(mail_id),
        why=tuple(detail.get("reasons", ())),
    )
