"""What happened to cases becomes webhook events, written in the transaction of their reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import OutboxKind
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import cases, outbox
from itaca.storage.webhooks import WebhookEvent, event_payload, standing_webhooks

TOLD = {
    "opened": WebhookEvent.CASE_OPENED,
    "closed": WebhookEvent.CASE_CLOSED,
    "escalated": WebhookEvent.CASE_ESCALATED,
    "promise_broken": WebhookEvent.PROMISE_BROKEN,
    "effected": WebhookEvent.CANCELLATION_EFFECTED,
    "violated": WebhookEvent.CANCELLATION_VIOLATED,
}
"""Which lines of a history others may be told of."""
FACTS = ("promise", "due_at", "outcome", "system", "effected_at", "effective_at", "activity", "activity_kind")
"""What of a line's detail is told: dates, kinds and ids; never words of customers."""


@dataclass(frozen=True)
class Happening:
    """One line of a history; ``id`` is unique for ever."""

    id: str
    case_id: CaseId
    kind: str
    detail: Mapping[str, Any]


def announce(
    conn: Connection,
    happenings: Sequence[Happening],
    now: datetime,
    new_id: Callable[[], str],
    hold_us: int = 0,
) -> None:
    """Write an outbox entry for each subscription to each of these; without subscriptions this is one small look.

    Args:
        hold_us: microseconds for which the events are held back, as letters are.
    """
    told = [one for one in happenings if one.kind in TOLD]
    standing = standing_webhooks(conn) if told else []
    wanted = [(one, hook) for one in told for hook in standing if TOLD[one.kind] in hook.events]
    if not wanted:
        return
    known = _cases(conn, {one.case_id for one, _ in wanted})
    rows = []
    for one, hook in wanted:
        event = TOLD[one.kind]
        facts = {name: one.detail[name] for name in FACTS if name in one.detail}
        payload = event_payload(one.id, event, now, {**known[one.case_id], **facts})
        rows.append(
            {
                "id": new_id(),
                "kind": OutboxKind.WEBHOOK.value,
                "dedupe_key": f"webhook:{hook.id}:{one.id}:{event.value}",
                "case_id": one.case_id,
                "recipient": hook.id,
                "payload": payload,
                "created_at": to_micros(now),
                "next_at": to_micros(now) + hold_us,
            }
        )
    conn.execute(insert(outbox), rows)


def _cases(conn: Connection, case_ids: Iterable[CaseId]) -> dict[CaseId, dict[str, Any]]:
    query = select(cases).where(cases.c.id.in_(list(case_ids)))
    return {
        CaseId(row.id): {
            "reference": row.reference,
            "kind": row.kind,
            "status": row.status,
            "outcome": row.outcome,
            "severity": row.severity,
            "level": row.level,
            "contacts": row.contacts,
            "opened_at": from_micros(row.opened_at).isoformat(),
        }
        for row in conn.execute(query)
    }
