"""The last act on a case is taken back: by who did it, soon, and only while nothing came after it.

Before an act that can be undone, how the case stands is kept beside it; taking it back lets the case stand so again
and is itself a line of the history. What has left for a customer or another system never comes back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import CaseOutcome, OutboxKind, OutboxState
from itaca.errors import PermanentError
from itaca.storage.answer_files import drop_files
from itaca.storage.case_acts import Act, StaleError
from itaca.storage.case_links import mails_of, unlink
from itaca.storage.case_snapshots import restore, snapshot, void_clocks
from itaca.storage.cases import close_in
from itaca.storage.desk_case import case_version
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import acknowledgements, cases, last_acts, mergers, outbox
from itaca.storage.upsert import upsert

UNDO_WITHIN = timedelta(minutes=10)
TOO_LATE = "it is too late to take that back, or something came in between: look at the history"
HAS_LEFT = "it has left already and cannot be taken back"
TAKEN_BACK = "taken back: it stays where it was"
_STAYS_AWAY = (
    OutboxKind.REPLY,
    OutboxKind.ACKNOWLEDGEMENT,
    OutboxKind.ORDER_HANDOFF,
    OutboxKind.CANCELLATION_HANDOFF,
)
"""What nobody can call back once it has left; a notice to a colleague is followed by another one."""


@dataclass
class Remembering:
    """An act under way: whoever does it names the cases that it touches beside its own, and those that it opens."""

    conn: Connection
    act: Act
    kind: str
    shown_in: CaseId
    cases: dict[CaseId, dict[str, Any]] = field(default_factory=dict)
    opened: list[CaseId] = field(default_factory=list)

    def touch(self, case_id: CaseId) -> None:
        """Keep how another case stands, before it is changed."""
        self.cases[case_id] = snapshot(self.conn, case_id)

    def keep(self) -> None:
        """Write it down: it can be taken back while every case has the version that it has now."""
        touched = [*self.cases, *self.opened]
        before = {
            "cases": self.cases,
            "opened": self.opened,
            "versions": {case_id: case_version(self.conn, case_id) for case_id in touched},
        }
        self.conn.execute(delete(last_acts).where(last_acts.c.case_id.in_(touched)))
        who = {"case_id": self.shown_in, "person_id": self.act.person_id, "kind": self.kind}
        row = {**who, "at": to_micros(self.act.now), "before": before}
        self.conn.execute(upsert(self.conn, last_acts, ("person_id", "kind", "at", "before")), row)
        _sweep(self.conn, self.act.now)


@contextmanager
def undoable(conn: Connection, act: Act, kind: str) -> Iterator[Remembering]:
    """Do something to a case in such a way that it can be taken back; ``kind`` is its event's name."""
    # Held before one looks: nothing changes the case between what is kept of it and what is done.
    conn.execute(select(cases.c.id).where(cases.c.id == act.case_id).with_for_update())
    remembering = Remembering(conn, act, kind, act.case_id)
    remembering.touch(act.case_id)
    yield remembering
    remembering.keep()


@dataclass(frozen=True)
class TakenBack:
    """What was taken back; ``letter`` is the answer as it was written, None if it was none."""

    kind: str
    letter: Mapping[str, Any] | None = None
    had_files: bool = False


def last_act(conn: Connection, case_id: CaseId, person_id: PersonId, now: datetime) -> str:
    """Return which act on a case this person may take back now, by its event's name; empty if none."""
    row = _row(conn, case_id)
    if row is None or _problem(conn, row, person_id, now):
        return ""
    return str(row.kind) if not _left(_letters(conn, row)) else ""


def take_back(conn: Connection, act: Act) -> TakenBack:
    """Reverse the last act of this person on a case, if nothing came after it.

    Raises:
        StaleError: the case changed after the person saw it.
        PermanentError: it was somebody else's act, or too long ago; a letter has left; the place is taken.
    """
    row = _row(conn, act.case_id)
    if row is None:
        raise PermanentError(TOO_LATE)
    touched = sorted({*row.before["cases"], *row.before["opened"], act.case_id})
    conn.execute(select(cases.c.id).where(cases.c.id.in_(touched)).order_by(cases.c.id.desc()).with_for_update())
    letters = _letters(conn, row)
    if _left(letters):
        raise PermanentError(HAS_LEFT)
    if case_version(conn, act.case_id) != act.version:
        raise StaleError("the case changed meanwhile")
    problem = _problem(conn, row, act.person_id, act.now)
    if problem:
        raise PermanentError(problem)
    entries = act.entries()
    had_files = _call_back(conn, entries, letters, touched)
    for case_id, before in row.before["cases"].items():
        restore(conn, CaseId(case_id), before, entries)
    for opened in row.before["opened"]:
        _unopen(conn, entries, CaseId(opened), act.case_id)
    for case_id in touched:
        entries.event(CaseId(case_id), "undone", None, {"what": row.kind})
    conn.execute(delete(last_acts).where(last_acts.c.case_id == act.case_id))
    entries.write(conn)
    answer = next((one for one in letters if one.kind == OutboxKind.REPLY.value), None)
    letter = None if answer is None else {**answer.payload, "recipient": answer.recipient, "mail": answer.mail_id}
    return TakenBack(row.kind, letter, had_files)


def _sweep(conn: Connection, now: datetime) -> None:
    """Forget how cases stood before acts that nobody can take back any more; what another sweeps is left to it."""
    late = select(last_acts.c.case_id).where(last_acts.c.at < to_micros(now - UNDO_WITHIN))
    conn.execute(delete(last_acts).where(last_acts.c.case_id.in_(late.with_for_update(skip_locked=True))))


def _row(conn: Connection, case_id: CaseId) -> Row[Any] | None:
    return conn.execute(select(last_acts).where(last_acts.c.case_id == case_id)).one_or_none()


def _problem(conn: Connection, row: Row[Any], person_id: PersonId, now: datetime) -> str:
    if row.person_id != person_id or now - from_micros(row.at) > UNDO_WITHIN:
        return TOO_LATE
    versions = row.before["versions"].items()
    return "" if all(case_version(conn, CaseId(case_id)) == seen for case_id, seen in versions) else TOO_LATE


def _letters(conn: Connection, row: Row[Any]) -> Sequence[Row[Any]]:
    """Return what the act put into the outbox, whatever became of it."""
    known = [letter for before in row.before["cases"].values() for letter in before["letters"]]
    touched = [*row.before["cases"], *row.before["opened"]]
    query = select(outbox).where(outbox.c.case_id.in_(touched), outbox.c.created_at >= row.at)
    return [one for one in conn.execute(query.order_by(outbox.c.id)) if one.id not in known]


def _is_here(letter: Row[Any]) -> bool:
    return bool(letter.state == OutboxState.PENDING.value and letter.attempts == 0)


def _left(letters: Sequence[Row[Any]]) -> bool:
    return any(OutboxKind(one.kind) in _STAYS_AWAY and not _is_here(one) for one in letters)


def _call_back(conn: Connection, entries: Entries, letters: Sequence[Row[Any]], touched: Sequence[str]) -> bool:
    """Take letters out of the outbox that nobody has claimed; tell colleagues whose notice has left. Had it files?

    Raises:
        PermanentError: a courier was quicker.
    """
    here = [one.id for one in letters if _is_here(one)]
    receipts = acknowledgements.c.case_id.in_(touched) & acknowledgements.c.outbox_id.in_(here)
    conn.execute(delete(acknowledgements).where(receipts))
    had_files = drop_files(conn, here)
    mine = outbox.c.id.in_(here) & (outbox.c.state == OutboxState.PENDING.value) & (outbox.c.attempts == 0)
    if here and conn.execute(delete(outbox).where(mine)).rowcount != len(here):
        raise PermanentError(HAS_LEFT)
    for one in letters:
        if one.id not in here and one.kind == OutboxKind.NOTICE.value and one.payload["event"] == "handed_over":
            payload = {"event": "taken_back", "person_id": one.payload["person_id"]}
            key = f"notice:{one.case_id}:taken_back:{one.id}"
            entries.leave(OutboxKind.NOTICE, key, CaseId(one.case_id), MailId(one.mail_id), one.recipient, payload)
    return had_files


def _unopen(conn: Connection, entries: Entries, case_id: CaseId, into: CaseId) -> None:
    """Close a case that should not have been opened: it keeps its opening mail, and leads to where that came from."""
    opener = conn.scalar(select(cases.c.opened_by).where(cases.c.id == case_id))
    unlink(conn, case_id, [mail_id for mail_id in mails_of(conn, case_id) if mail_id != opener])
    void_clocks(conn, case_id, (), entries)
    close_in(conn, entries, case_id, CaseOutcome.MERGED, TAKEN_BACK)
    conn.execute(insert(mergers).values(case_id=case_id, into_id=into, merged_at=entries.at))
