"""Everything that the ledger holds about one customer, as plain values that a person or a program can read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Table, or_, select

from itaca.contracts.ids import MailId
from itaca.storage import tables as t
from itaca.storage.codec import decompress
from itaca.storage.columns import Moment
from itaca.storage.erasure import tombstones
from itaca.storage.erasure_scope import Scope, in_parts
from itaca.storage.mails import load_raw
from itaca.storage.moments import NEVER, from_micros
from itaca.storage.salted import CONTRACT, CUSTOMER

_OF_CASES = (
    t.case_events,
    t.promises,
    t.cancellations,
    t.evidence,
    t.asks,
    t.parkings,
    t.legal_clocks,
    t.receipts,
    t.answer_values,
)
_OF_MAILS = (t.mail_texts, t.readings, t.labels, t.audit_samples)
_MACHINERY = {"digest", "drive_at", "dedupe_key", "next_at", "lease_until", "attempts", "codec", "raw"}


def export_index(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Return everything but the bytes of the mails; moments as ISO 8601, in UTC.

    Webhooks and notices to colleagues say nothing about a customer that does not stand here.
    """
    index: dict[str, Any] = {
        "customer": {
            "id": scope.customer_id,
            "name": scope.name,
            "addresses": list(scope.addresses),
            "codes": [{"kind": kind, "value": value} for kind, value in scope.codes],
        },
        "cases": _rows(conn, t.cases, t.cases.c.id, scope.cases),
        "mails": _rows(conn, t.mails, t.mails.c.id, scope.mails),
        "case_mails": _rows(conn, t.case_mails, t.case_mails.c.case_id, scope.cases),
        "letters": _letters(conn, scope),
        "interactions": _read(conn, t.interactions, t.interactions.c.customer_id == scope.customer_id),
        "activities": _activities(conn, scope),
        "erasures": [
            {"at": one.at.isoformat(), "by": one.by, "reason": one.reason, "mails": one.mails, "cases": one.cases}
            for one in tombstones(conn, scope.customer_id)
        ],
    }
    index |= {table.name: _rows(conn, table, table.c.case_id, scope.cases) for table in _OF_CASES}
    index |= {table.name: _rows(conn, table, table.c.mail_id, scope.mails) for table in _OF_MAILS}
    return index


def export_mails(conn: Connection, ids: Sequence[MailId]) -> dict[MailId, bytes]:
    """Return these mails as they were accepted; those that were erased are not among them."""
    kept = conn.scalars(select(t.raw_mails.c.mail_id).where(t.raw_mails.c.mail_id.in_(ids)))
    return {MailId(one): load_raw(conn, MailId(one)) for one in kept.all()}


def export_files(conn: Connection, letters: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the files that left with these letters, by their SHA-256."""
    hashes = sorted({file["sha256"] for letter in letters for file in letter.get("files", ())})
    table = t.kept_files
    rows = (row for part in in_parts(hashes) for row in conn.execute(select(table).where(table.c.sha256.in_(part))))
    return {row.sha256: decompress(row.codec, row.content) for row in rows}


def _letters(conn: Connection, scope: Scope) -> list[dict[str, Any]]:
    outbox, files = t.outbox, t.letter_files
    kinds = outbox.c.kind.in_(("acknowledgement", "reply", "order_handoff", "cancellation_handoff"))
    letters = {
        row["id"]: row
        for column, ids in ((outbox.c.case_id, scope.cases), (outbox.c.mail_id, scope.mails))
        for part in in_parts(ids)
        for row in _read(conn, outbox, column.in_(part) & kinds)
    }
    for file in _rows(conn, files, files.c.outbox_id, list(letters)):
        letters[file["outbox_id"]].setdefault("files", []).append(file)
    return sorted(letters.values(), key=lambda row: str(row["id"]))


def _activities(conn: Connection, scope: Scope) -> list[dict[str, Any]]:
    subjects, table = t.activity_subjects, t.activities
    names = {("email", one) for one in scope.addresses}
    names |= {("customer", value) for kind, value in scope.codes if kind == CUSTOMER}
    names |= {("contract", value) for kind, value in scope.codes if kind == CONTRACT}
    named = [(subjects.c.kind == kind) & (subjects.c.value == value) for kind, value in sorted(names)]
    ids = set(conn.scalars(select(subjects.c.activity_id).where(or_(False, *named))))
    for part in in_parts(scope.cases):
        ids |= set(conn.scalars(select(table.c.id).where(table.c.case_id.in_(part))))
    return _rows(conn, table, table.c.id, sorted(ids))


def _rows(conn: Connection, table: Table, key: Column[Any], ids: Iterable[str]) -> list[dict[str, Any]]:
    return [row for part in in_parts(list(ids)) for row in _read(conn, table, key.in_(part))]


def _read(conn: Connection, table: Table, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    query = select(table).where(condition).order_by(*table.primary_key.columns)
    return [dict(_plain(table, row)) for row in conn.execute(query)]


def _plain(table: Table, row: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for column, value in zip(table.columns, row, strict=True):
        if column.name in _MACHINERY or (isinstance(column.type, Moment) and value == NEVER):
            continue
        if isinstance(column.type, Moment) and value is not None:
            value = from_micros(value).isoformat()
        elif isinstance(column.type, LargeBinary):
            value = value.hex()
        yield column.name, value
