"""Mails of a case open another one: with an owner, a promise and a legal clock as if they had come for it alone."""

from dataclasses import replace

from sqlalchemy import Connection, Row, select, update

from itaca.cases.actions import OpenCase
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.cases.splitting import Splitting, check_split, split_off
from itaca.contracts.ids import CaseId, CaseReference, CustomerId, MailId
from itaca.contracts.intents import CaseKind, OutboxKind
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage.case_acts import Act, hold_open
from itaca.storage.case_links import carry_interactions, counted, link, mails_of, unlink
from itaca.storage.case_undoing import undoable
from itaca.storage.conditions import is_open_ask, is_open_case
from itaca.storage.effects import Effects
from itaca.storage.entries import Entries
from itaca.storage.legal_clocks import start_clock
from itaca.storage.mails import load_texts
from itaca.storage.moments import from_micros
from itaca.storage.people import load_roster
from itaca.storage.standing import Writers, load_writers, lock_writers
from itaca.storage.tables import acknowledgements, asks, cases, mails

ALREADY_OPENED = "this mail has opened a case of this kind already: a second one needs another mail"
NAME_IT = "the customer has such a case already: say which order or contract this one is about"


def split(conn: Connection, act: Act, splitting: Splitting, policy: Policy) -> CaseReference:
    """Open a case of its own for some mails of a case, and return its reference.

    The customer gets no second receipt for mails that were acknowledged; a cancellation gets the receipt that it
    needs. The legal clock counts from the first of the mails, the promise from today where its date has passed.

    Raises:
        StaleError: the case changed meanwhile.
        PermanentError: the mails cannot open such a case; with what to do instead.
        TransientError: nobody can own a case.
    """
    # The writers before the case, as routers take them.
    lock_writers(conn, load_texts(conn, splitting.mail_ids).values())
    row = hold_open(conn, act)
    check_split(splitting, counted(mails_of(conn, act.case_id)), MailId(row.opened_by))
    opener = _opener(conn, splitting)
    mail = _facts(conn, opener)
    today = policy.calendar.today(act.now)
    writers = load_writers(conn, [mail.text], load_roster(conn, today))
    standing = writers.standing_of(mail)
    standing = replace(standing, customer_id=standing.customer_id or CustomerId(row.customer_id))
    is_protest = row.kind == CaseKind.COMPLAINT.value
    wanted = split_off(mail, standing, policy, splitting, act.now, f"split off from {row.reference}", is_protest)
    with undoable(conn, act, "split_off") as remembering:
        entries = act.entries()
        effects = Effects(conn, entries, writers, today, act.rng)
        _, (case_id,) = effects.follow(mail, standing, (_placed(conn, standing, wanted, opener),))
        remembering.opened.append(case_id)
        reference = writers.cases[case_id].reference
        if splitting.kind is CaseKind.CANCELLATION:
            _receipt(entries, writers, mail, case_id, policy)
        entries.event(act.case_id, "split_off", opener, {"to": reference})
        entries.write(conn)
        _take_along(conn, act, row, splitting, case_id)
        if splitting.kind is not CaseKind.ORDER:
            start_clock(conn, case_id, splitting.kind.value, mail.received_at, policy.law, entries, is_new=True)
    return reference


def _opener(conn: Connection, splitting: Splitting) -> MailId:
    """Return the first of the mails that has opened no case of this kind: a mail opens one of each."""
    taken = select(cases.c.opened_by).where(cases.c.opened_by.in_(splitting.mail_ids))
    opened = set(conn.scalars(taken.where(cases.c.kind == splitting.kind.value)))
    free = [mail_id for mail_id in sorted(splitting.mail_ids) if mail_id not in opened]
    if not free:
        raise PermanentError(ALREADY_OPENED)
    return free[0]


def _placed(conn: Connection, standing: Standing, wanted: OpenCase, opener: MailId) -> OpenCase:
    """Return the case with a matter that no open one of this customer has: two are never one by mistake."""
    same = (cases.c.customer_id == standing.customer_id) & (cases.c.kind == wanted.kind.value)
    same &= cases.c.matter == wanted.matter
    if conn.scalar(select(cases.c.id).where(same).where(is_open_case()).limit(1)) is None:
        return wanted
    if wanted.kind is CaseKind.CANCELLATION:
        raise PermanentError(NAME_IT)
    return replace(wanted, matter=opener)


def _take_along(conn: Connection, act: Act, row: Row[tuple[object, ...]], splitting: Splitting, to: CaseId) -> None:
    """Let the mails stand in the new case; where they leave the old one, what they ask and count goes with them."""
    link(conn, to, [(mail_id, "appended") for mail_id in splitting.mail_ids])
    many = len(splitting.mail_ids)
    conn.execute(update(cases).where(cases.c.id == to).values(contacts=many))
    if not splitting.moves:
        return
    unlink(conn, act.case_id, splitting.mail_ids)
    carry_interactions(conn, act.case_id, to, row.customer_id, splitting.mail_ids)
    left = update(cases).where(cases.c.id == act.case_id)
    conn.execute(left.values(contacts=max(row.contacts - many, 1)))
    if splitting.kind is not CaseKind.ORDER:
        asked = (asks.c.case_id == act.case_id) & asks.c.mail_id.in_(splitting.mail_ids)
        conn.execute(update(asks).where(asked).where(is_open_ask()).values(case_id=to))


def _receipt(entries: Entries, writers: Writers, mail: MailFacts, case_id: CaseId, policy: Policy) -> None:
    """Send the receipt of a cancellation, to an address that is the customer's."""
    address = mail.text.reply_to_address
    if not address or not writers.knows(address, writers.cases[case_id].customer_id):
        return
    payload = {"case_ids": [case_id]}
    key = f"ack:{case_id}"
    outbox_id = entries.leave(OutboxKind.ACKNOWLEDGEMENT, key, case_id, mail.mail_id, address, payload)
    day = policy.calendar.today(entries.now)
    entries.row(acknowledgements, case_id=case_id, day=day, outbox_id=outbox_id)


def _facts(conn: Connection, mail_id: MailId) -> MailFacts:
    row = conn.execute(select(mails.c.received_at, mails.c.envelope_to).where(mails.c.id == mail_id)).one()
    text = load_texts(conn, [mail_id]).get(mail_id, MailText(is_readable=False))
    return MailFacts(mail_id, from_micros(row.received_at), text, None, delivered_to=tuple(row.envelope_to))
