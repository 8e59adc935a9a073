"""Who may use the desk: roles, passwords, and the links by which a first password is set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select, update

from itaca.cases.roles import Role
from itaca.contracts.ids import PersonId
from itaca.storage.moments import to_micros
from itaca.storage.tables import accounts, identities, people
from itaca.storage.upsert import dialect_insert


@dataclass(frozen=True)
class Account:
    """Somebody who may use the desk. ``language`` is empty until one was chosen.

    ``has_provider``: an identity provider vouches for them.
    """

    person_id: PersonId
    name: str
    email: str
    role: Role
    language: str
    has_password: bool
    has_provider: bool = False


def find_account(conn: Connection, email: str) -> tuple[Account, str] | None:
    """Return the account of an active person and the hash of its password; None without one."""
    row = conn.execute(_accounts().where(people.c.email == email.strip().lower(), people.c.is_active)).first()
    return None if row is None or row.password_hash is None else (_account(row), row.password_hash)


def account_of(conn: Connection, person_id: PersonId) -> Account | None:
    """Return the account of an active person."""
    row = conn.execute(_accounts().where(accounts.c.person_id == person_id, people.c.is_active)).first()
    return None if row is None else _account(row)


def account_of_address(conn: Connection, email: str) -> Account | None:
    """Return the account of the active person who has this address, with a password or without."""
    row = conn.execute(_accounts().where(people.c.email == email.strip().lower(), people.c.is_active)).first()
    return None if row is None else _account(row)


def list_accounts(conn: Connection) -> dict[PersonId, Account]:
    """Return every account by person."""
    return {PersonId(row.person_id): _account(row) for row in conn.execute(_accounts())}


def first_admin(conn: Connection) -> PersonId | None:
    """Return who may become the first admin: who has been active longest; None once an admin can sign in."""
    if conn.execute(_admins_who_can_sign_in().limit(1)).first():
        return None
    oldest = select(people.c.id).where(people.c.is_active).order_by(people.c.joined_at, people.c.id).limit(1)
    person_id = conn.execute(oldest).scalar()
    return None if person_id is None else PersonId(person_id)


def invite(conn: Connection, person_id: PersonId, role: Role, token_hash: str, until: datetime) -> None:
    """Give somebody a role and a link to set their password by; an earlier link ends, a password stays.

    Args:
        token_hash: SHA-256 of the token in the link, in hex.
    """
    values = {"role": role.value, "invite_hash": token_hash, "invite_until": to_micros(until)}
    statement = dialect_insert(conn, accounts).values(person_id=person_id, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))


def invited(conn: Connection, token_hash: str, now: datetime) -> Account | None:
    """Return whose link this is, as long as it counts."""
    query = _accounts().where(accounts.c.invite_hash == token_hash, accounts.c.invite_until > to_micros(now))
    row = conn.execute(query.where(people.c.is_active)).first()
    return None if row is None else _account(row)


def set_password(conn: Connection, token_hash: str, password_hash: str, now: datetime) -> Account | None:
    """Set the password that the link is for and end the link; None when the link counts no more."""
    account = invited(conn, token_hash, now)
    if account is None:
        return None
    ended = {"password_hash": password_hash, "invite_hash": None, "invite_until": None}
    used = conn.execute(update(accounts).where(accounts.c.invite_hash == token_hash).values(ended)).rowcount
    return account if used else None


def set_role(conn: Connection, person_id: PersonId, role: Role) -> bool:
    """Change what somebody is at the desk; return False when they have no account."""
    change = update(accounts).where(accounts.c.person_id == person_id).values(role=role.value)
    return conn.execute(change).rowcount == 1


def set_language(conn: Connection, person_id: PersonId, language: str) -> None:
    """Keep the language somebody reads the desk in, a two-letter code."""
    conn.execute(update(accounts).where(accounts.c.person_id == person_id).values(language=language))


def role_of(conn: Connection, person_id: PersonId) -> Role | None:
    """Return what somebody is at the desk; None without an account."""
    role = conn.scalar(select(accounts.c.role).where(accounts.c.person_id == person_id))
    return None if role is None else Role(role)


def end_invitation(conn: Connection, person_id: PersonId) -> None:
    """Let a link that was not used count no more."""
    ended = {"invite_hash": None, "invite_until": None}
    conn.execute(update(accounts).where(accounts.c.person_id == person_id).values(ended))


def admins_who_can_sign_in(conn: Connection) -> Sequence[PersonId]:
    """Return the admins who are active and have a password, or a provider that vouches for them."""
    return [PersonId(i) for i in conn.scalars(_admins_who_can_sign_in())]


def _admins_who_can_sign_in() -> Select[Any]:
    by_provider = exists().where(identities.c.person_id == accounts.c.person_id)
    query = select(accounts.c.person_id).join(people, people.c.id == accounts.c.person_id)
    can_sign_in = accounts.c.password_hash.is_not(None) | by_provider
    return query.where(people.c.is_active, accounts.c.role == Role.ADMIN.value, can_sign_in)


def _accounts() -> Select[Any]:
    by_provider = exists().where(identities.c.person_id == accounts.c.person_id).label("has_provider")
    query = select(accounts, people.c.name, people.c.email, by_provider)
    return query.join(people, people.c.id == accounts.c.person_id)


def _account(row: Row[Any]) -> Account:
    has_password, has_provider = row.password_hash is not None, bool(row.has_provider)
    return Account(
        PersonId(row.person_id), row.name, row.email, Role(row.role), row.language, has_password, has_provider
    )
