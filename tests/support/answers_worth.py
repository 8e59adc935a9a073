"""Answers that were scored, put into a ledger as the watch leaves them."""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection, insert, select

from itaca.contracts.ids import uuid7
from itaca.storage import tables as t
from itaca.storage.moments import to_micros


def put_scored(
    conn: Connection, at: datetime, rng: Random, causes: Sequence[tuple[str, int]], template: str = ""
) -> None:
    """Add answers in the newest case, written at ``at``: cause (empty for one that was worth something), contacts."""
    case = conn.execute(select(t.cases).order_by(t.cases.c.id.desc()).limit(1)).one()
    owner = conn.execute(select(t.people).where(t.people.c.id == case.owner_id)).one()
    for cause, contacts in causes:
        interaction = uuid7(at, rng)
        row = {"id": interaction, "customer_id": case.customer_id, "case_id": case.id, "direction": "out"}
        conn.execute(insert(t.interactions).values(row | {"at": to_micros(at), "outcome": "answered"}))
        value = {"interaction_id": interaction, "case_id": case.id, "person_id": owner.id, "team_id": owner.team_id}
        value |= {"template": template, "asks_for": [], "answered_at": to_micros(at), "score_at": to_micros(at)}
        value |= {"scored_at": to_micros(at), "points": 0 if cause else 3, "cause": cause}
        conn.execute(insert(t.answer_values).values(value | {"contacts_after": contacts, "reasons": []}))
