"""What is forgotten with a tombstone, table by table; states, dates, counts and hashes of what was stay.

Each statement finds its rows by the tombstone, so that a customer and a class of old mail are forgotten alike.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, delete, select, update

from itaca.contracts.intents import OutboxKind
from itaca.storage import tables as t
from itaca.storage.salted import ERASED, erased_matter

GONE = "(erased)"
"""What stands where a table demands words."""
_LETTERS = [
    kind.value for kind in OutboxKind if kind not in (OutboxKind.NOTICE, OutboxKind.WEBHOOK, OutboxKind.DAILY_LIST)
]
_IDS = ("case_ids", "person_id", "template", "asks_for", "is_forward")
"""What of a letter's payload are ids and names of ours."""


def forget_words(conn: Connection, erasure_id: str, salt: bytes) -> None:
    """Forget what the mails and cases of this tombstone say."""
    mails = select(t.erased_mails.c.mail_id).where(t.erased_mails.c.erasure_id == erasure_id)
    cases = select(t.erased_cases.c.case_id).where(t.erased_cases.c.erasure_id == erasure_id)
    _forget_letters(conn, mails, cases)
    for change in _of_mails(mails):
        conn.execute(change)
    for change in _of_cases(cases, mails):
        conn.execute(change)
    _forget_spans(conn, mails)
    _hash_matters(conn, cases, salt)
    forget_activities(conn, select(t.activities.c.id).where(t.activities.c.case_id.in_(cases)))


def forget_activities(conn: Connection, ids: Select[Any]) -> None:
    """Forget to whom and what these were; that they happened, and whether they were wrong, stays."""
    conn.execute(update(t.activities).where(t.activities.c.id.in_(ids)).values(content={}))
    conn.execute(delete(t.activity_subjects).where(t.activity_subjects.c.activity_id.in_(ids)))


def _of_mails(mails: Select[Any]) -> Iterator[Any]:
    unknown = {"envelope_from": "", "envelope_to": [], "client": ""}
    yield update(t.mails).where(t.mails.c.id.in_(mails)).values(unknown)
    yield delete(t.raw_mails).where(t.raw_mails.c.mail_id.in_(mails))
    yield delete(t.mail_texts).where(t.mail_texts.c.mail_id.in_(mails))
    unchecked = t.audit_samples.c.checked_at.is_(None)
    yield delete(t.audit_samples).where(t.audit_samples.c.mail_id.in_(mails), unchecked)


def _of_cases(cases: Select[Any], mails: Select[Any]) -> Iterator[Any]:
    """Cases of others that hold such a mail lose what it said in them."""
    touched = select(t.case_mails.c.case_id).where(t.case_mails.c.mail_id.in_(mails))
    yield from _either(t.evidence, cases, mails, touched, name="", content_type="")
    yield from _either(t.case_events, cases, mails, touched, detail={})
    yield from _either(t.asks, cases, mails, touched, says=GONE)
    yield _in(t.asks, cases, how=GONE).where(t.asks.c.how.is_not(None))
    yield _in(t.promises, cases, evidence="").where(t.promises.c.evidence.is_not(None))
    yield _in(t.cancellations, cases, evidence="")
    yield _in(t.parkings, cases, says=GONE)
    yield delete(t.receipts).where(t.receipts.c.case_id.in_(cases))
    yield delete(t.last_acts).where(t.last_acts.c.case_id.in_(cases))


def _in(table: Table, cases: Select[Any], **words: Any) -> Update:
    return update(table).where(table.c.case_id.in_(cases)).values(words)


def _either(
    table: Table, cases: Select[Any], mails: Select[Any], touched: Select[Any], **words: Any
) -> Iterator[Update]:
    """Both find their rows by the case, by which the table is indexed; with OR PostgreSQL would read all of it."""
    yield _in(table, cases, **words)
    yield _in(table, touched, **words).where(table.c.mail_id.in_(mails))


def _forget_spans(conn: Connection, mails: Select[Any]) -> None:
    """Where the words stood that made the machine decide is forgotten; its scores are figures of ours."""
    readings = t.readings
    for row in conn.execute(select(readings).where(readings.c.mail_id.in_(mails))).all():
        judged = {name: value for name, value in row.judgement.items() if name not in ("spans", "review_reasons")}
        one = (readings.c.mail_id == row.mail_id) & (readings.c.model == row.model)
        conn.execute(update(readings).where(one).values(judgement=judged))


def _hash_matters(conn: Connection, cases: Select[Any], salt: bytes) -> None:
    """A number stays recognisable by its hash; the id of a mail, which stands for matters without one, is ours."""
    table = t.cases
    named = (table.c.matter != "") & (table.c.matter != table.c.opened_by)
    for row in conn.execute(select(table.c.id, table.c.matter).where(table.c.id.in_(cases), named)).all():
        if not row.matter.startswith(ERASED):
            matter = erased_matter(salt, row.matter)
            conn.execute(update(table).where(table.c.id == row.id).values(matter=matter))


def _forget_letters(conn: Connection, mails: Select[Any], cases: Select[Any]) -> None:
    """What people sent has left: its words, its files, its recipient and what the relay said of it go."""
    outbox, files = t.outbox, t.letter_files
    columns = select(outbox.c.id, outbox.c.payload).where(outbox.c.kind.in_(_LETTERS))
    found = columns.where(outbox.c.case_id.in_(cases)).union_all(columns.where(outbox.c.mail_id.in_(mails)))
    letters = {row.id: row.payload for row in conn.execute(found)}
    for outbox_id, payload in letters.items():
        kept = {name: value for name, value in payload.items() if name in _IDS}
        change = update(outbox).where(outbox.c.id == outbox_id)
        conn.execute(change.values(recipient="", payload=kept, detail=""))
        mine = files.c.outbox_id == outbox_id
        hashes = conn.scalars(select(files.c.sha256).where(mine)).all()
        conn.execute(delete(files).where(mine))
        conn.execute(delete(t.kept_files).where(t.kept_files.c.sha256.in_(hashes), _is_unused()))


def _is_unused() -> ColumnElement[bool]:
    return ~select(t.letter_files.c.sha256).where(t.letter_files.c.sha256 == t.kept_files.c.sha256).exists()
