"""Links that set a password: the secret leaves once, the ledger keeps its SHA-256, and the first use ends it."""

import hashlib
import random
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from itaca.cases.roles import Role
from itaca.contracts.ids import PersonId
from itaca.storage.accounts import first_admin, invite
from itaca.storage.desk_events import DoorEvent, note


def new_secret() -> str:
    """Return 256 bits of chance for a cookie or a link; they come from the system, never from a seeded generator."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what the ledger keeps of a secret: who reads the ledger cannot use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def invite_person(
    conn: Connection,
    person_id: PersonId,
    role: Role,
    now: datetime,
    valid_for: timedelta,
    rng: random.Random,
    by_id: PersonId | None = None,
    client: str = "",
) -> str:
    """Invite somebody to the desk and return the secret of their link; an earlier link ends.

    Args:
        client: from where it was done, as in ``itaca.storage.desk_events``.
    """
    secret = new_secret()
    invite(conn, person_id, role, digest(secret), now + valid_for)
    note(conn, DoorEvent.INVITED, now, rng, person_id=person_id, client=client, detail=role.value, by_id=by_id)
    return secret


def invite_first_admin(conn: Connection, now: datetime, valid_for: timedelta, rng: random.Random) -> str | None:
    """Return the secret of a link for the first admin; None once an admin has a password."""
    person_id = first_admin(conn)
    return None if person_id is None else invite_person(conn, person_id, Role.ADMIN, now, valid_for, rng)


def invite_path(secret: str) -> str:
    """Return the desk's page on which the link ends."""
    return f"/invite/{secret}"
