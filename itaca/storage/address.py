"""The URL of the ledger: which kinds there are, and a refusal that never repeats a password."""

import contextlib

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from itaca.errors import ConfigurationError


def database_url(url: str) -> URL:
    """Read the URL.

    Raises:
        ConfigurationError: it is none, or of another kind; the text does not repeat it, it may hold a password.
    """
    with contextlib.suppress(ArgumentError):
        parsed = make_url(url)
        if parsed.drivername in ("sqlite", "postgresql+asyncpg"):
            return parsed
    raise ConfigurationError(
        ["ITACA_DATABASE_URL: neither sqlite:///path nor postgresql+asyncpg://user:password@host/name"]
    )
