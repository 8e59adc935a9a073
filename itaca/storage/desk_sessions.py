"""Who is signed in at the desk, and which cases each has open."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from itaca.cases.roles import Role
from itaca.contracts.ids import CaseReference, PersonId
from itaca.storage.accounts import Account
from itaca.storage.moments import to_micros
from itaca.storage.tables import accounts, desk_sessions, lookers, people
from itaca.storage.upsert import upsert

Look = tuple[str, CaseReference]
"""A session, by the hash of its cookie, and a case that it has open."""
PRESENT_FOR = timedelta(minutes=3)
"""Somebody who was seen at a case within this time counts as looking at it."""


def begin_session(
    conn: Connection, token_hash: str, person_id: PersonId, now: datetime, expires_at: datetime
) -> None:
    """Begin a session; those that have expired are swept out with it, and whoever is not seen any more."""
    conn.execute(delete(desk_sessions).where(desk_sessions.c.expires_at <= to_micros(now)))
    conn.execute(delete(lookers).where(lookers.c.seen_at <= to_micros(now - PRESENT_FOR)))
    row = {"token_hash": token_hash, "person_id": person_id, "began_at": to_micros(now)}
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
    conn.execute(delete(lookers).where(lookers.c.token_hash == token_hash))
    conn.execute(delete(desk_sessions).where(desk_sessions.c.token_hash == token_hash))


def end_sessions(conn: Connection, person_id: PersonId) -> None:
    """Sign somebody out everywhere."""
    conn.execute(delete(desk_sessions).where(desk_sessions.c.person_id == person_id))


def look_at(conn: Connection, looks: Collection[Look], now: datetime) -> None:
    """Note that these sessions have these cases open."""
    rows = [{"token_hash": hashed, "reference": reference, "seen_at": to_micros(now)} for hashed, reference in looks]
    if rows:
        conn.execute(upsert(conn, lookers, ["seen_at"]), rows)


def look_away(conn: Connection, looks: Collection[Look]) -> None:
    """Note that these sessions have closed these cases."""
    for hashed, reference in looks:
        conn.execute(delete(lookers).where(lookers.c.token_hash == hashed, lookers.c.reference == reference))


def looking_at(
    conn: Connection, references: Collection[CaseReference], now: datetime
) -> dict[CaseReference, dict[PersonId, str]]:
    """Return who has these cases open, by reference: the names by person, in the order of the alphabet."""
    query = (
        select(lookers.c.reference, people.c.id, people.c.name)
        .join(desk_sessions, desk_sessions.c.token_hash == lookers.c.token_hash)
        .join(people, people.c.id == desk_sessions.c.person_id)
        .where(lookers.c.reference.in_(references), lookers.c.seen_at > to_micros(now - PRESENT_FOR))
        .order_by(people.c.name)
    )
    found: dict[CaseReference, dict[PersonId, str]] = {reference: {} for reference in references}
    for row in conn.execute(query):
        found[CaseReference(row.reference)][PersonId(row.id)] = row.name
    return found


def also_looking(conn: Connection, reference: CaseReference, but: PersonId, now: datetime) -> list[str]:
    """Return the names of the others who have this case open."""
    return [name for who, name in looking_at(conn, [reference], now)[reference].items() if who != but]


def still_signed_in(conn: Connection, token_hashes: Collection[str], now: datetime) -> set[str]:
    """Return those of these sessions that have not ended, of people who are still here."""
    query = (
        select(desk_sessions.c.token_hash)
        .join(people, people.c.id == desk_sessions.c.person_id)
        .where(desk_sessions.c.token_hash.in_(token_hashes), desk_sessions.c.expires_at > to_micros(now))
    )
    return set(conn.scalars(query.where(people.c.is_active)))
