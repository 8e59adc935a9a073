"""One case goes on in another: what was written, asked and promised goes along, and both histories say so."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from itaca.cases.escalation import capped, reached_by_contact
from itaca.cases.merging import Loudness, check_merger, louder
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, CaseReference, MailId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome, OutboxKind
from itaca.errors import PermanentError
from itaca.storage.asks import carry_asks
from itaca.storage.case_acts import Act, NotYoursError, hold_open
from itaca.storage.case_links import carry_interactions, counted, link, mails_of
from itaca.storage.case_snapshots import void_clocks
from itaca.storage.case_undoing import undoable
from itaca.storage.cases import close_in
from itaca.storage.conditions import is_open_promise
from itaca.storage.entries import Entries
from itaca.storage.legal_clocks import carry_clocks
from itaca.storage.parkings import resume
from itaca.storage.people import load_roster
from itaca.storage.tables import acknowledgements, cases, mergers, promises
from itaca.storage.upsert import insert_new

NOBODY = "no open case has this reference"
ITSELF = "a case cannot be merged into itself"
OTHER_IS_NOT_YOURS = "the other case is somebody else's: take it first"
ANOTHER_CUSTOMER = "the other case is another customer's: if both are the same person, say so and how you know"


@dataclass(frozen=True)
class Merger:
    """Into which case, and why. ``is_same_person``: somebody says that two customers are one, and ``says`` how."""

    into: str
    says: str = ""
    is_same_person: bool = False


def merge(conn: Connection, act: Act, merger: Merger, policy: Policy) -> CaseReference:
    """Let a case go on in another open one, and return that one's reference.

    Everything goes along: mails with their files, what was said, questions, promises with their dates, legal clocks.
    The severity is the higher one, contacts add up. The customers stay who they are: an answer goes to addresses of
    the remaining case's customer only.

    Raises:
        StaleError: the case changed meanwhile.
        NotYoursError: one of both is somebody else's.
        PermanentError: the kinds do not fit, there is no such open case, or it is another customer's.
    """
    target = conn.scalar(select(cases.c.id).where(cases.c.reference == merger.into.strip().upper()))
    if target is None:
        raise PermanentError(NOBODY)
    # Both in the order in which routers take the cases of a customer, the newest first: nobody waits for each other.
    both = select(cases).where(cases.c.id.in_((act.case_id, target))).order_by(cases.c.id.desc()).with_for_update()
    rows = {row.id: row for row in conn.execute(both)}
    hold_open(conn, act)
    ending, staying = rows[act.case_id], rows[target]
    _check(act, ending, staying, merger)
    with undoable(conn, act, "merged_into") as remembering:
        remembering.touch(CaseId(target))
        remembering.shown_in = CaseId(target)
        shared = counted(mails_of(conn, act.case_id)) & counted(mails_of(conn, CaseId(target)))
        _carry(conn, act, ending, staying, policy)
        entries = act.entries()
        _raise(conn, entries, staying, louder(_loudness(ending), _loudness(staying), len(shared)), policy)
        told = {"to": staying.reference, "says": merger.says.strip()}
        entries.event(act.case_id, "merged_into", None, told)
        entries.event(CaseId(target), "took_in", None, {**told, "to": ending.reference})
        close_in(conn, entries, act.case_id, CaseOutcome.MERGED, staying.reference)
        entries.write(conn)
    return CaseReference(staying.reference)


def _check(act: Act, ending: Row[Any], staying: Row[Any], merger: Merger) -> None:
    if ending.id == staying.id:
        raise PermanentError(ITSELF)
    if staying.status != "open":
        raise PermanentError(NOBODY)
    check_merger(CaseKind(ending.kind), CaseKind(staying.kind))
    if staying.owner_id != act.person_id and not act.anybodys:
        raise NotYoursError(OTHER_IS_NOT_YOURS)
    is_confirmed = merger.is_same_person and merger.says.strip()
    if ending.customer_id != staying.customer_id and not is_confirmed:
        raise PermanentError(ANOTHER_CUSTOMER)


def _carry(conn: Connection, act: Act, ending: Row[Any], staying: Row[Any], policy: Policy) -> None:
    old, new = CaseId(ending.id), CaseId(staying.id)
    entries = act.entries()
    for case_id in (old, new):
        resume(conn, case_id, policy, entries, "merged with another case")
    links = mails_of(conn, old)
    link(conn, new, [(mail_id, "appended" if role == "opened" else role) for mail_id, role in links.items()])
    carry_interactions(conn, old, new, ending.customer_id)
    carry_asks(conn, old, new)
    carry_clocks(conn, old, new, entries)
    void_clocks(conn, old, (), entries)
    mine = update(promises).where(promises.c.case_id == old).where(is_open_promise())
    conn.execute(mine.values(case_id=new))
    _carry_acknowledgements(conn, old, new)
    conn.execute(update(mergers).where(mergers.c.into_id == old).values(into_id=new))
    conn.execute(insert(mergers).values(case_id=old, into_id=new, merged_at=entries.at))


def _carry_acknowledgements(conn: Connection, old: CaseId, new: CaseId) -> None:
    """A customer who got a receipt for one of both on a day gets none for the other on that day."""
    sent = conn.execute(select(acknowledgements).where(acknowledgements.c.case_id == old)).all()
    rows = [{"case_id": new, "day": row.day, "outbox_id": row.outbox_id} for row in sent]
    if rows:
        conn.execute(insert_new(conn, acknowledgements, key=("case_id", "day")), rows)


def _raise(conn: Connection, entries: Entries, staying: Row[Any], both: Loudness, policy: Policy) -> None:
    """Let the remaining case be as loud as both together; who learns of it by that is told."""
    new = CaseId(staying.id)
    roster, owner = load_roster(conn, policy.calendar.today(entries.now)), PersonId(staying.owner_id)
    level = max(capped(roster, owner, both.level), staying.level)
    louder_now = {"severity": both.severity, "level": level, "contacts": both.contacts}
    conn.execute(update(cases).where(cases.c.id == new).values(louder_now))
    if level <= staying.level:
        return
    entries.escalate(new)
    for person_id in reached_by_contact(roster, owner, staying.level, level):
        key = f"notice:{new}:took_in:{entries.new_id()}"
        payload = {"event": "appended", "person_id": person_id}
        address = roster.people[person_id].email
        entries.leave(OutboxKind.NOTICE, key, new, MailId(staying.opened_by), address, payload)


def _loudness(row: Row[Any]) -> Loudness:
    return Loudness(row.severity, row.level, row.contacts)
