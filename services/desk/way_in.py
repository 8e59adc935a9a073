"""Where passwords are left to a few: one of them stays an admin who can sign in while the provider is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from itaca.cases.roles import Role
from itaca.errors import PermanentError
from itaca.storage.accounts import list_accounts
from itaca.storage.staff import everybody, one_at_a_time
from services.desk.settings import DeskSettings

LAST_WAY_IN = "nobody who administers could sign in by a password while the company's account is away"


def has_way_in(conn: Connection, settings: DeskSettings) -> bool:
    """Say whether an active admin has a password that counts."""
    accounts, people = list_accounts(conn), everybody(conn).people
    return any(
        one.role is Role.ADMIN
        and one.has_password
        and people[one.person_id].is_active
        and settings.takes_password_of(one.email)
        for one in accounts.values()
    )


@contextmanager
def keep_way_in(conn: Connection, settings: DeskSettings) -> Iterator[None]:
    """Refuse a change of people after which nobody would have that way in any more.

    Raises:
        PermanentError: somebody had it before the change, and nobody has it after.
    """
    one_at_a_time(conn)
    had_way_in = has_way_in(conn, settings)
    yield
    if settings.passwords_only_for and had_way_in and not has_way_in(conn, settings):
        raise PermanentError(LAST_WAY_IN)
