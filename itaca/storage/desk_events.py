"""What happens at the desk's door, and every change of people and teams; written once and never changed."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from itaca.contracts.ids import PersonId, uuid7
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.paging import tally
from itaca.storage.tables import desk_events, people

STRANGERS_LINES = 50
STRANGERS_WINDOW = timedelta(minutes=15)
COMMAND_LINE = "command line"
"""Who did what was done by nobody who is signed in: here it stands for the network address, in histories of cases for
the person."""


class DoorEvent(StrEnum):
    """What may happen at the door."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    REFUSED = "refused"
    TOO_MANY = "too_many"
    DENIED = "denied"
    FORGED = "forged"
    INVITED = "invited"
    PASSWORD_SET = "password_set"  # noqa: S105
    BOUND = "bound"
    UNBOUND = "unbound"
    PERSON_ADDED = "person_added"
    NAME_CHANGED = "name_changed"
    ADDRESS_CHANGED = "address_changed"
    TEAM_GIVEN = "team_given"
    LANGUAGES_SET = "languages_set"
    LEAD_GIVEN = "lead_given"
    LEFT = "left"
    RETURNED = "returned"
    ABSENCE_NOTED = "absence_noted"
    ABSENCE_STRUCK = "absence_struck"
    TEAM_ADDED = "team_added"
    TEAM_CHANGED = "team_changed"
    HOURS_SET = "hours_set"
    ROLE_GIVEN = "role_given"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_PAUSED = "webhook_paused"
    WEBHOOK_RESUMED = "webhook_resumed"
    WEBHOOK_ENDED = "webhook_ended"
    SECRET_CHANGED = "secret_changed"  # noqa: S105


@dataclass(frozen=True)
class DoorEntry:
    """One line of the trail; ``person`` is whom it concerns, ``by`` who did it."""

    at: datetime
    kind: DoorEvent
    person: str
    client: str
    detail: str
    by: str


def note(
    conn: Connection,
    kind: DoorEvent,
    now: datetime,
    rng: random.Random,
    *,
    person_id: PersonId | None = None,
    client: str = "",
    subject: str = "",
    detail: str = "",
    by_id: PersonId | None = None,
) -> None:
    """Write one line.

    Args:
        person_id: whom it concerns; ``by_id`` who did it, if it was somebody else or at their wish.
        client: the network address it came from, or ``COMMAND_LINE``.
        subject: SHA-256 of the e-mail address tried, in hex.
    """
    row: dict[str, Any] = {"id": uuid7(now, rng), "at": to_micros(now), "kind": kind.value, "person_id": person_id}
    row |= {"client": client[:64], "subject": subject, "detail": detail[:500], "by_id": by_id}
    conn.execute(insert(desk_events).values(row))


def note_of_stranger(
    conn: Connection,
    kind: DoorEvent,
    now: datetime,
    rng: random.Random,
    *,
    client: str,
    subject: str = "",
    detail: str = "",
) -> None:
    """Write one line for somebody whom nobody let in, unless their network address has enough of this kind of late.

    Such a line costs its writer nothing, and no line of the trail is ever removed: nobody shall fill it.
    """
    late = desk_events.c.at > to_micros(now - STRANGERS_WINDOW)
    theirs = select(desk_events.c.id).where(
        late, desk_events.c.client == client[:64], desk_events.c.kind == kind.value
    )
    if tally(conn, theirs, STRANGERS_LINES).count < STRANGERS_LINES:
        note(conn, kind, now, rng, client=client, subject=subject, detail=detail)


def refusals(conn: Connection, client: str, subject: str, since: datetime) -> tuple[int, int]:
    """Return how many sign-ins were refused since then: from this network address, and for this e-mail address."""
    late = (desk_events.c.at > to_micros(since)) & (desk_events.c.kind == DoorEvent.REFUSED.value)
    count = select(func.count()).select_from(desk_events).where(late)
    by_client = conn.execute(count.where(desk_events.c.client == client)).scalar_one()
    by_subject = conn.execute(count.where(desk_events.c.subject == subject)).scalar_one()
    return by_client, by_subject


def newest(conn: Connection, limit: int = 50) -> list[DoorEntry]:
    """Return the newest lines, newest first."""
    doer = people.alias()
    query = (
        select(desk_events, people.c.name, doer.c.name.label("by"))
        .outerjoin(people, people.c.id == desk_events.c.person_id)
        .outerjoin(doer, doer.c.id == desk_events.c.by_id)
        .order_by(desk_events.c.at.desc(), desk_events.c.id.desc())
        .limit(limit)
    )
    return [_entry(row) for row in conn.execute(query)]


def _entry(row: Row[Any]) -> DoorEntry:
    return DoorEntry(from_micros(row.at), DoorEvent(row.kind), row.name or "", row.client, row.detail, row.by or "")
