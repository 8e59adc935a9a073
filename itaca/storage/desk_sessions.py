"""Who is signed in at the desk, and which case each has open."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from itaca.cases.roles import Role
from itaca.contracts.ids import CaseReference, PersonId
from itaca.storage.accounts import Account
from itaca.storage.moments import to_micros
from itaca.storage.tables import accounts, desk_sessions, people

PRESENT_FOR = timedelta(minutes=3)
"""Somebody who opened a case within this time counts as looking at it."""


def begin_session(
    conn: Connection, token_hash: str, person_id: PersonId, now: datetime, expires_at: datetime
) -> None:
    """Begin a session; those that have expired are swept out with it."""
    conn.execute(delete(desk_sessions).where(desk_sessions.c.expires_at <= to_micros(now)))
    at = to_micros(now)
    row = {"token_hash": token_hash, "person_id": person_id, "began_at": at, "seen_at": at}
    conn.execute(insert(desk_sessions).values(**row, expires_at=to_micros(expires_at)))


def signed_in(conn: Connection, token_hash: str, now: datetime) -> Account | None:
    """Return whose session this is; None once it has ended, or its person has left."""
    query = (
        select(accounts, people.c.name, people.c.email)
        .join(desk_sessions, desk_sessions.c.person_id == accounts.c.person_id)
        .join(people, people.c.id == accounts.c.person_id)
        .where(desk_sessions.c.token_hash == token_hash, desk_sessions.c.expires_at > to_micros(now))
    )
    row = conn.execute(query.where(people.c.is_active)).first()
    if row is None:
        return None
    return Account(PersonId(row.person_id), row.name, row.email, Role(row.role), row.language, True)


def end_session(conn: Connection, token_hash: str) -> None:
    """Sign out."""
    conn.execute(delete(desk_sessions).where(desk_sessions.c.token_hash == token_hash))


def end_sessions(conn: Connection, person_id: PersonId) -> None:
    """Sign somebody out everywhere."""
    conn.execute(delete(desk_sessions).where(desk_sessions.c.person_id == person_id))


def look_at(conn: Connection, token_hash: str, reference: CaseReference, now: datetime) -> None:
    """Note which case this session has open."""
    change = update(desk_sessions).where(desk_sessions.c.token_hash == token_hash)
    conn.execute(change.values(looks_at=reference, seen_at=to_micros(now)))


def also_looking(conn: Connection, reference: CaseReference, but: PersonId, now: datetime) -> list[str]:
    """Return the names of the others who have this case open."""
    since = to_micros(now - PRESENT_FOR)
    query = (
        select(people.c.name)
        .join(desk_sessions, desk_sessions.c.person_id == people.c.id)
        .where(desk_sessions.c.looks_at == reference, desk_sessions.c.seen_at > since, people.c.id != but)
        .distinct()
        .order_by(people.c.name)
    )
    return list(conn.scalars(query))
