"""What must leave the system: written with its reason, claimed with a lease, and never sent twice by guessing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, or_, select, update

from itaca.contracts.ids import CaseId, MailId, OutboxId
from itaca.contracts.intents import OutboxKind, OutboxState
from itaca.storage.conditions import is_unsent
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import outbox
from itaca.storage.upsert import insert_new

LEASE_LOST = "whoever was sending it fell silent: it may have left, so it is not sent again"
_ENDED = (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN)


@dataclass(frozen=True)
class NewEntry:
    """Something to send. Of entries with the same ``dedupe_key`` only the first is kept, for ever."""

    id: OutboxId
    kind: OutboxKind
    dedupe_key: str
    payload: Mapping[str, Any]
    created_at: datetime
    recipient: str = ""
    case_id: CaseId | None = None
    mail_id: MailId | None = None


@dataclass(frozen=True)
class OutboxEntry:
    """Something in hand, or as it was left. ``attempts`` counts this one."""

    id: OutboxId
    kind: OutboxKind
    state: OutboxState
    recipient: str
    case_id: CaseId | None
    mail_id: MailId | None
    created_at: datetime
    attempts: int
    detail: str
    payload: Mapping[str, Any] = field(repr=False)


def enqueue(connection: Connection, entries: Sequence[NewEntry]) -> int:
    """Add entries, due at once; return how many were new by their ``dedupe_key``."""
    rows = [
        {
            "id": entry.id,
            "kind": entry.kind.value,
            "dedupe_key": entry.dedupe_key,
            "case_id": entry.case_id,
            "mail_id": entry.mail_id,
            "recipient": entry.recipient,
            "payload": dict(entry.payload),
            "created_at": to_micros(entry.created_at),
            "next_at": to_micros(entry.created_at),
        }
        for entry in entries
    ]
    if not rows:
        return 0
    statement = insert_new(connection, outbox, key=("dedupe_key",)).returning(outbox.c.id)
    return len(connection.execute(statement, rows).all())


def claim_due(connection: Connection, now: datetime, lease_s: float, limit: int) -> list[OutboxEntry]:
    """Take up to ``limit`` entries that are due, oldest date first, for ``lease_s`` seconds.

    A claim alone sends nothing: when its lease runs out, the entry is claimed again. One whose sending had begun
    (``begin_sending``) may have left with somebody who died: it ends as ``unknown`` and is not among what is
    returned, because a second acknowledgement is worse than none, the case exists (RFC 1047).
    """
    rows = connection.execute(_due(), {"now": to_micros(now), "most": limit}).all()
    lost = [row.id for row in rows if _may_have_left(row)]
    taken = [row for row in rows if not _may_have_left(row)]
    if lost:
        ended = {"state": OutboxState.UNKNOWN.value, "ended_at": to_micros(now), "detail": LEASE_LOST}
        connection.execute(update(outbox).where(outbox.c.id.in_(lost)).values(lease_until=None, **ended))
    if taken:
        until = to_micros(now + timedelta(seconds=lease_s))
        claim = {"lease_until": until, "next_at": until}
        changes = [{"which": row.id, "attempts": row.attempts + 1, **claim} for row in taken]
        connection.execute(_claiming(), changes)
    return [_entry(row, OutboxState.PENDING, row.attempts + 1) for row in taken]


def begin_sending(connection: Connection, entry_id: OutboxId) -> bool:
    """Note that an entry which must not leave twice is about to leave; return False if it has ended."""
    return connection.execute(_beginning(), {"which": entry_id}).rowcount == 1


def finish(connection: Connection, entry_id: OutboxId, state: OutboxState, at: datetime, detail: str = "") -> bool:
    """End an entry as sent, failed or unknown; return False when it had ended already.

    A late answer corrects a guess: ``unknown`` becomes ``sent`` or ``failed``.

    Raises:
        ValueError: ``state`` is no end.
    """
    if state not in _ENDED:
        raise ValueError(f"{state} is no end of an outbox entry")
    values = {"state": state.value, "ended_at": to_micros(at), "lease_until": None, "detail": detail}
    ending = _ending(corrects=state is not OutboxState.UNKNOWN)
    return connection.execute(ending, {"which": entry_id, **values}).rowcount == 1


def give_back(connection: Connection, entry_id: OutboxId, at: datetime, detail: str) -> OutboxEntry | None:
    """End a person's answer as failed after it had left, and return it; None if there is none or it has failed."""
    is_answer = (outbox.c.id == entry_id) & (outbox.c.kind == OutboxKind.REPLY.value)
    query = select(outbox).where(is_answer, outbox.c.state != OutboxState.FAILED.value).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    values = {"state": OutboxState.FAILED.value, "ended_at": to_micros(at), "lease_until": None, "detail": detail}
    connection.execute(update(outbox).where(outbox.c.id == entry_id).values(values))
    return _entry(row, OutboxState.FAILED, row.attempts)


def retry_later(connection: Connection, entry_id: OutboxId, next_at: datetime, detail: str) -> bool:
    """Put an entry in hand back until ``next_at``; return False when it is in hand no more."""
    values = {"which": entry_id, "next_at": to_micros(next_at), "detail": detail}
    return connection.execute(_putting_off(), values).rowcount == 1


def load_entries(connection: Connection, case_id: CaseId) -> list[OutboxEntry]:
    """Return what left or leaves because of a case, oldest first."""
    query = select(outbox).where(outbox.c.case_id == case_id).order_by(outbox.c.created_at, outbox.c.id)
    return [_entry(row, OutboxState(row.state), row.attempts) for row in connection.execute(query)]


@cache
def _due() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    return (
        select(outbox)
        .where(is_unsent(), outbox.c.next_at <= bindparam("now"))
        .order_by(outbox.c.next_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


@cache
def _claiming() -> Update:
    return update(outbox).where(outbox.c.id == bindparam("which"))


@cache
def _beginning() -> Update:
    return (
        update(outbox)
        .where(outbox.c.id == bindparam("which"), outbox.c.state == OutboxState.PENDING.value)
        .values(state=OutboxState.SENDING.value)
    )


@cache
def _ending(corrects: bool) -> Update:
    is_open = or_(is_unsent(), outbox.c.state == OutboxState.UNKNOWN.value) if corrects else is_unsent()
    return update(outbox).where(outbox.c.id == bindparam("which"), is_open)


@cache
def _putting_off() -> Update:
    changed: dict[str, Any] = {"next_at": bindparam("next_at"), "detail": bindparam("detail"), "lease_until": None}
    held = update(outbox).where(outbox.c.id == bindparam("which"), is_unsent())
    return held.values(state=OutboxState.PENDING.value, **changed)


def _may_have_left(row: Row[tuple[Any, ...]]) -> bool:
    return OutboxState(row.state) is OutboxState.SENDING


def _entry(row: Row[tuple[Any, ...]], state: OutboxState, attempts: int) -> OutboxEntry:
    return OutboxEntry(
        id=OutboxId(row.id),
        kind=OutboxKind(row.kind),
        state=state,
        recipient=row.recipient,
        case_id=None if row.case_id is None else CaseId(row.case_id),
        mail_id=None if row.mail_id is None else MailId(row.mail_id),
        created_at=from_micros(row.created_at),
        attempts=attempts,
        detail=row.detail,
        payload=row.payload,
    )
