"""The answer to a blind check: a label, a checked sample, and the case of a complaint that was passed over."""

import random
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from itaca.cases.missed import FOUND, missed_complaint
from itaca.cases.model import MailFacts
from itaca.cases.policy import Policy
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseReference, MailId, PersonId, uuid7
from itaca.contracts.intents import CaseKind, Intent
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage import tables
from itaca.storage.case_links import unlink_beside
from itaca.storage.effects import Effects
from itaca.storage.entries import Entries
from itaca.storage.followups import follow_up
from itaca.storage.mails import load_texts
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.people import load_roster
from itaca.storage.standing import load_writers, lock_writers

_JOINED = ("opened", "appended")


def answer_sample(
    conn: Connection,
    mail_id: MailId,
    intents: Collection[Intent],
    by: str,
    now: datetime,
    policy: Policy,
    rng: random.Random,
) -> CaseReference | None:
    """Record what a person found this mail to be; a complaint has its case in the same transaction.

    Args:
        intents: everything the mail is, in the eyes of this person; none means ``other``.
        by: the person's address.

    Returns:
        The case that now holds the complaint; None if it is no complaint.

    Raises:
        PermanentError: the mail was not drawn, it was checked already, or nobody active has this address.
    """
    model = _lock(conn, mail_id)
    person_id = _person(conn, by)
    label_id = uuid7(now, rng)
    row = {
        "id": label_id,
        "mail_id": mail_id,
        "person_id": person_id,
        "intents": sorted(intent.value for intent in intents),
        "is_blind": True,
        "labelled_at": to_micros(now),
    }
    conn.execute(insert(tables.labels), row)
    is_complaint = Intent.COMPLAINT in intents
    conn.execute(
        update(tables.audit_samples)
        .where(tables.audit_samples.c.mail_id == mail_id)
        .values(checked_at=to_micros(now), checked_by=person_id, label_id=label_id, is_complaint=is_complaint)
    )
    if not is_complaint:
        return None
    return _known_complaint(conn, mail_id) or _take_up(
        conn, mail_id, model, Entries(now, rng, person_id), policy, rng
    )


def _lock(conn: Connection, mail_id: MailId) -> str:
    """Hold the sample against a second answer at the same time; return the model that passed the mail."""
    table = tables.audit_samples
    query = select(table.c.checked_at, table.c.model).where(table.c.mail_id == mail_id).with_for_update()
    row = conn.execute(query).one_or_none()
    if row is None:
        raise PermanentError(f"{mail_id} was not drawn for the audit; `itaca audit next` shows what waits")
    if row.checked_at is not None:
        raise PermanentError(f"{mail_id} was checked already, on {from_micros(row.checked_at):%Y-%m-%d}")
    return str(row.model)


def _person(conn: Connection, by: str) -> PersonId:
    query = select(tables.people.c.id).where(tables.people.c.email == by.lower(), tables.people.c.is_active)
    person_id = conn.execute(query).scalar()
    if person_id is None:
        raise PermanentError(f"nobody has the address {by}; `itaca people list` shows everybody")
    return PersonId(person_id)


def _known_complaint(conn: Connection, mail_id: MailId) -> CaseReference | None:
    """Return the complaint that holds this mail already: somebody may have found it by another way meanwhile."""
    cases, links = tables.cases, tables.case_mails
    query = (
        select(cases.c.reference)
        .join(links, links.c.case_id == cases.c.id)
        .where(links.c.mail_id == mail_id, links.c.role.in_(_JOINED), cases.c.kind == CaseKind.COMPLAINT.value)
        .limit(1)
    )
    reference = conn.execute(query).scalar()
    return None if reference is None else CaseReference(reference)


def _take_up(
    conn: Connection, mail_id: MailId, model: str, entries: Entries, policy: Policy, rng: random.Random
) -> CaseReference:
    """Route the complaint as it should have been, except that the mail's settlement stands."""
    today = policy.calendar.today(entries.now)
    mail = _facts(conn, mail_id, model)
    lock_writers(conn, [mail.text])
    writers = load_writers(conn, [mail.text], load_roster(conn, today))
    standing = writers.standing_of(mail)
    action = missed_complaint(mail, standing, policy, entries.now)
    effects = Effects(conn, entries, writers, today, rng)
    _, (case_id,) = effects.follow(mail, standing, (action,))
    entries.event(case_id, "found_by_audit", mail_id, {"says": FOUND})
    unlink_beside(conn, case_id, mail_id)
    entries.write(conn)
    follow_up(conn, entries, {mail_id: mail.text}, {mail_id: to_micros(mail.received_at)}, policy)
    return writers.cases[case_id].reference


def _facts(conn: Connection, mail_id: MailId, model: str) -> MailFacts:
    mails, readings = tables.mails, tables.readings
    mail = conn.execute(select(mails.c.received_at, mails.c.envelope_to).where(mails.c.id == mail_id)).one()
    query = select(readings.c.judgement).where(readings.c.mail_id == mail_id, readings.c.model == model)
    judgement = Judgement.model_validate(conn.execute(query).scalar_one())
    text = load_texts(conn, [mail_id]).get(mail_id, MailText(is_readable=False))
    return MailFacts(mail_id, from_micros(mail.received_at), text, judgement, delivered_to=tuple(mail.envelope_to))
