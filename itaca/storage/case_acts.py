"""What people do with a case at the desk: each act in one transaction, on the case as they saw it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer, check_answer, check_end
from itaca.cases.written_answers import asked_data, says_passed_on
from itaca.contracts.ids import CaseId, MailId, OutboxId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, OutboxKind, PromiseKind
from itaca.errors import PermanentError
from itaca.storage.answer_files import keep_files
from itaca.storage.asks import tick
from itaca.storage.cases import close_in
from itaca.storage.desk_case import case_version
from itaca.storage.entries import Entries
from itaca.storage.labels import set_label
from itaca.storage.tables import case_mails, cases, customer_addresses, people, promises

ANSWERED = "answer written at the desk"


class StaleError(PermanentError):
    """Somebody else, or the customer, changed the case after this person saw it; nothing was done."""


class NotYoursError(PermanentError):
    """The case is somebody else's: take it first."""


@dataclass(frozen=True)
class Act:
    """Who does something, to which case, and which version of it they saw.

    ``anybodys``: the person may act on cases of others, too. ``hold_s``: how many seconds letters wait before they
    leave, so that they can be taken back.
    """

    case_id: CaseId
    person_id: PersonId
    version: int
    now: datetime
    rng: random.Random
    anybodys: bool = False
    hold_s: float = 0.0

    def entries(self) -> Entries:
        """Return a page for what this act writes."""
        return Entries(self.now, self.rng, self.person_id, self.hold_s)


def take(conn: Connection, act: Act) -> None:
    """Make the case one's own.

    Raises:
        StaleError: it changed meanwhile.
    """
    row = _hold(conn, act, own=False)
    if row.owner_id == act.person_id:
        return
    _give(conn, act.case_id, act.person_id)
    entries = act.entries()
    entries.event(act.case_id, "taken", None, {"before": row.owner_name or ""})
    entries.write(conn)


def taken(conn: Connection, act: Act) -> Act:
    """Take the case, and return the act by which one goes on with it in the same transaction.

    Raises:
        StaleError: it changed meanwhile.
    """
    take(conn, act)
    return replace(act, version=case_version(conn, act.case_id))


def hand_over(conn: Connection, act: Act, to: PersonId, says: str) -> None:
    """Give the case to a colleague, who is told at once.

    Raises:
        StaleError: it changed meanwhile.
        PermanentError: nobody active has this id.
    """
    row = _hold(conn, act)
    colleague = conn.execute(select(people).where(people.c.id == to, people.c.is_active)).first()
    if colleague is None:
        raise PermanentError("nobody active has this id")
    _give(conn, act.case_id, to)
    entries = act.entries()
    entries.event(act.case_id, "handed_over", None, {"to": colleague.name, "says": says.strip()})
    key = f"notice:{act.case_id}:handed_over:{entries.new_id()}"
    payload = {"event": "handed_over", "person_id": to}
    entries.leave(OutboxKind.NOTICE, key, act.case_id, MailId(row.opened_by), colleague.email, payload)
    entries.write(conn)


def promise(conn: Connection, act: Act, promised: NewPromise, says: str) -> None:
    """Promise something by a date, beside what is promised already: a date given is never put off.

    Raises:
        StaleError: it changed meanwhile.
        PermanentError: the date is past, or nobody says what is promised.
    """
    _hold(conn, act)
    if promised.due_at <= act.now or not says.strip():
        raise PermanentError("a promise says what will be done, by a date to come")
    entries = act.entries()
    entries.promise(act.case_id, promised)
    entries.event(act.case_id, "promised", None, {"says": says.strip(), "due_at": promised.due_at.isoformat()})
    entries.write(conn)


def keep_promise(conn: Connection, act: Act, promise_id: str, evidence: str, then: NewPromise | None = None) -> None:
    """Keep one promise with what proves it.

    Args:
        then: what is owed next; without it something else must still be owed.

    Raises:
        StaleError: it changed meanwhile.
        PermanentError: nothing proves it, or nothing would be owed in an open case.
    """
    _hold(conn, act)
    if not evidence.strip():
        raise PermanentError("a promise is kept by something: say what proves it")
    entries = act.entries()
    mine = (promises.c.id == promise_id) & (promises.c.case_id == act.case_id)
    kept = _end_promises(conn, entries, mine, evidence)
    if kept:
        entries.event(act.case_id, "promise_kept", None, {"evidence": evidence.strip()})
    if then is not None:
        entries.promise(act.case_id, then)
    elif not still_owed(conn, act.case_id):
        raise PermanentError("close the case, or promise what comes next")
    entries.write(conn)


def answer(conn: Connection, act: Act, mail_id: MailId, said: Answer, person: str, asked: Sequence[str] = ()) -> None:
    """Answer a mail of the case: the letter leaves by the outbox, the promise to answer is kept by it.

    Args:
        asked: ids of the customer's questions that this letter answers.

    Raises:
        StaleError: it changed meanwhile.
        PermanentError: the answer closes nothing and promises nothing, or the address is not the customer's.
    """
    row = _hold(conn, act)
    _check_thread(conn, row, act.case_id, mail_id, said.recipient)
    check_answer(said, CaseKind(row.kind), still_owed(conn, act.case_id), act.now)
    entries = act.entries()
    letter = {"subject": said.subject.strip(), "text": said.text.strip()}
    measured = {"template": said.template, "asks_for": asked_data(said.text)}
    is_forward = said.ends_as is None and not asked and says_passed_on(said.text)
    payload = {**letter, "person": person, **measured, "is_forward": is_forward}
    key = f"reply:{act.case_id}:{act.version}"
    letter_id = OutboxId(entries.leave(OutboxKind.REPLY, key, act.case_id, mail_id, said.recipient, payload))
    entries.event(act.case_id, "replied", mail_id, {})
    answered = (promises.c.case_id == act.case_id) & (promises.c.kind == PromiseKind.ANSWER.value)
    if _end_promises(conn, entries, answered, ANSWERED):
        entries.event(act.case_id, "promise_kept", None, {})
    if said.back_by is not None and said.ends_as is None:
        entries.promise(act.case_id, NewPromise(PromiseKind.ANSWER, said.back_by))
        entries.event(act.case_id, "promised", None, {"due_at": said.back_by.isoformat()})
    entries.write(conn)
    keep_files(conn, letter_id, said.files)
    _tick(conn, act, asked, ANSWERED)
    if said.ends_as is not None:
        _end(conn, act, said.ends_as, said.evidence)


def close(conn: Connection, act: Act, outcome: CaseOutcome, evidence: str, asked: Sequence[str] = ()) -> None:
    """Close the case with its outcome and what proves it.

    Args:
        asked: ids of the customer's questions that are settled by the same evidence.

    Raises:
        StaleError: it changed meanwhile.
        PermanentError: the outcome does not fit, or nothing proves it.
    """
    row = _hold(conn, act)
    check_end(CaseKind(row.kind), outcome, evidence)
    _tick(conn, act, asked, evidence)
    _end(conn, act, outcome, evidence.strip())


def label(conn: Connection, act: Act, mail_id: MailId, intents: Sequence[Intent], email: str) -> None:
    """Keep what somebody says a mail of the case is; no intents mean none of them.

    Raises:
        PermanentError: the mail is not of this case.
    """
    _check_mail(conn, act.case_id, mail_id)
    set_label(conn, mail_id, intents, email, False, act.now, act.rng)
    entries = act.entries()
    entries.event(act.case_id, "labelled", mail_id, {"intents": sorted(intent.value for intent in intents)})
    entries.write(conn)


def still_owed(conn: Connection, case_id: CaseId) -> list[PromiseKind]:
    """Return what is promised in a case and not yet kept."""
    query = select(promises.c.kind).where(promises.c.case_id == case_id, promises.c.state == "open")
    return [PromiseKind(kind) for kind in conn.scalars(query)]


def hold_open(conn: Connection, act: Act) -> Row[Any]:
    """Hold the case against others and return its row.

    Raises:
        StaleError: it changed after the person saw it.
        NotYoursError: it is somebody else's.
        PermanentError: it is closed.
    """
    return _hold(conn, act)


def _end(conn: Connection, act: Act, outcome: CaseOutcome, evidence: str) -> None:
    """Close the case; who is told of it is told when this can no longer be taken back with its letter."""
    entries = act.entries()
    close_in(conn, entries, act.case_id, outcome, evidence)
    entries.write(conn)


def _hold(conn: Connection, act: Act, own: bool = True) -> Row[Any]:
    query = (
        select(cases, people.c.name.label("owner_name"))
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .where(cases.c.id == act.case_id)
        .with_for_update(of=cases)
    )
    row = conn.execute(query).one()
    if case_version(conn, act.case_id) != act.version:
        raise StaleError("the case changed meanwhile")
    if row.status != "open":
        raise PermanentError("the case is closed")
    if own and row.owner_id != act.person_id and not act.anybodys:
        raise NotYoursError("the case is somebody else's: take it first")
    return row


def _tick(conn: Connection, act: Act, asked: Sequence[str], how: str) -> None:
    if asked:
        tick(conn, act.case_id, asked, how, act.now, act.rng, act.person_id)


def _give(conn: Connection, case_id: CaseId, owner: PersonId) -> None:
    conn.execute(update(cases).where(cases.c.id == case_id).values(owner_id=owner))


def _end_promises(conn: Connection, entries: Entries, which: Any, evidence: str) -> int:
    kept = {"state": "kept", "ended_at": entries.at, "evidence": evidence.strip()}
    return conn.execute(update(promises).where(which, promises.c.state == "open").values(kept)).rowcount


def _check_mail(conn: Connection, case_id: CaseId, mail_id: MailId) -> None:
    query = select(case_mails.c.role).where(case_mails.c.case_id == case_id, case_mails.c.mail_id == mail_id)
    if conn.scalar(query) is None:
        raise PermanentError("the mail is not of this case")


def _check_thread(conn: Connection, row: Row[Any], case_id: CaseId, mail_id: MailId, recipient: str) -> None:
    """What a case holds goes to an address that was the customer's before, and to no other."""
    _check_mail(conn, case_id, mail_id)
    query = select(customer_addresses.c.address).where(customer_addresses.c.customer_id == row.customer_id)
    if recipient not in set(conn.scalars(query)):
        raise PermanentError("this address is not known as the customer's")
