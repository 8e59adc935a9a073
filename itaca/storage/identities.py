"""By which subject of an identity provider somebody signs in: bound at the first sign-in, and by nobody else's."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from itaca.storage.accounts import Account, account_of, account_of_address
from itaca.storage.desk_events import DoorEvent
from itaca.storage.moments import to_micros
from itaca.storage.staff import Change, one_at_a_time
from itaca.storage.tables import identities


class UnknownError(PermanentError):
    """Nobody who may use the desk is meant, or the person signs in by another subject."""


def account_of_subject(conn: Connection, issuer: str, subject: str) -> Account | None:
    """Return the account of the active person to whom this subject is bound."""
    bound = (identities.c.issuer == issuer) & (identities.c.subject == subject)
    person_id = conn.scalar(select(identities.c.person_id).where(bound))
    return None if person_id is None else account_of(conn, PersonId(person_id))


def bind(conn: Connection, issuer: str, subject: str, email: str, now: datetime) -> Account:
    """Bind a subject to the person who has this address, at their first sign-in by this provider.

    Whoever is given the address later has another subject, and does not become this person.

    Args:
        email: an address that belongs to the subject for certain.

    Raises:
        UnknownError: nobody active with a role has the address, or they sign in by another subject.
    """
    one_at_a_time(conn)
    account = account_of_address(conn, email)
    if account is None or is_bound(conn, account.person_id, issuer):
        raise UnknownError("nobody is meant by this subject")
    row = {"issuer": issuer, "subject": subject, "person_id": account.person_id}
    conn.execute(insert(identities).values(**row, bound_at=to_micros(now)))
    return account


def is_bound(conn: Connection, person_id: PersonId, issuer: str) -> bool:
    """Say whether somebody signs in by a subject of this provider."""
    own = (identities.c.person_id == person_id) & (identities.c.issuer == issuer)
    return conn.execute(select(identities.c.subject).where(own)).first() is not None


def unbind(conn: Connection, change: Change, person_id: PersonId) -> None:
    """Let the next sign-in by any provider bind anew, as after somebody got another account there."""
    if conn.execute(delete(identities).where(identities.c.person_id == person_id)).rowcount:
        change.note(conn, DoorEvent.UNBOUND, person_id)
