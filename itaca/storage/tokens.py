"""Bearer tokens of other systems: made once, shown once, kept as a digest."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, insert, select, update

from itaca.errors import PermanentError
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import api_tokens

_TEXT = re.compile(r"itaca_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a token may do: one noun, read or write; writing includes no reading."""

    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    MAILS_READ = "mails:read"
    LABELS_WRITE = "labels:write"
    INTERACTIONS_WRITE = "interactions:write"
    CANCELLATIONS_READ = "cancellations:read"
    CANCELLATIONS_WRITE = "cancellations:write"
    SUPPRESSIONS_READ = "suppressions:read"
    ACTIVITIES_WRITE = "activities:write"
    ORDERS_WRITE = "orders:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


@dataclass(frozen=True)
class Token:
    """Who asks. Its name stands in the history of what it changes."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid_at(self, moment: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    @property
    def actor(self) -> str:
        """Return how the history names it."""
        return f"api:{self.name}"


def add_token(
    conn: Connection, name: str, scopes: Collection[Scope], now: datetime, expires_at: datetime | None = None
) -> str:
    """Make a token and return its text, which nobody can read again.

    Its chance is the operating system's, not the seeded one of the process: whoever guesses it is let in.

    Raises:
        PermanentError: no scope is given, or a token has this name (also a revoked one: the history names it).
    """
    if not scopes:
        raise PermanentError("a token without a scope can do nothing: name one")
    if conn.execute(select(api_tokens.c.id).where(api_tokens.c.name == name)).scalar() is not None:
        raise PermanentError(f"a token has the name {name} already, or had it")
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "id": token_id,
        "name": name,
        "secret_hash": _digest(secret),
        "scopes": sorted(scope.value for scope in scopes),
        "created_at": to_micros(now),
        "expires_at": None if expires_at is None else to_micros(expires_at),
    }
    conn.execute(insert(api_tokens).values(row))
    return f"itaca_{token_id}_{secret}"


def find_token(conn: Connection, text: str, now: datetime) -> Token | None:
    """Return the token with this text; None if there is none, or it is revoked or expired."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    row = conn.execute(select(api_tokens).where(api_tokens.c.id == match[1])).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _digest(match[2])):
        return None
    token = _token(row)
    return token if token.is_valid_at(now) else None


def list_tokens(conn: Connection) -> Sequence[Token]:
    """Return all tokens by name, revoked ones too."""
    return [_token(row) for row in conn.execute(select(api_tokens).order_by(api_tokens.c.name))]


def revoke_token(conn: Connection, name: str, now: datetime) -> bool:
    """End a token for ever; return False if it was revoked already.

    Raises:
        PermanentError: there is none of this name.
    """
    revoked_at = conn.execute(select(api_tokens.c.revoked_at).where(api_tokens.c.name == name)).one_or_none()
    if revoked_at is None:
        raise PermanentError(f"no token has the name {name}; `itaca tokens list` shows them")
    is_valid = api_tokens.c.revoked_at.is_(None)
    change = update(api_tokens).where(api_tokens.c.name == name, is_valid).values(revoked_at=to_micros(now))
    return conn.execute(change).rowcount == 1


def _digest(secret: str) -> str:
    """256 bits of chance cannot be tried out: a fast digest is as good as a slow one."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        row.id,
        row.name,
        frozenset(Scope(name) for name in row.scopes),
        from_micros(row.created_at),
        None if row.expires_at is None else from_micros(row.expires_at),
        None if row.revoked_at is None else from_micros(row.revoked_at),
    )
