"""Who may ask: a bearer token with the scope of the operation."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from itaca.storage.tokens import Scope, Token, find_token
from services.desk.api.core import Api, api_of
from services.desk.api.problems import RefusedError
from services.desk.api.rates import Buckets, Kind

REMEMBERED = timedelta(seconds=5)
"""A revoked token is refused after so long at the latest."""
_MOST_REMEMBERED = 1_000
_bearer = HTTPBearer(auto_error=False, description="A token of `itaca tokens add`.")


@dataclass
class TokenCache:
    """Tokens that were found in the last seconds; a check before every send shall not look each time."""

    _known: dict[str, tuple[datetime, Token]] = field(default_factory=dict)

    async def find(self, api: Api, text: str) -> Token | None:
        """Return the token with this text if it is valid.

        Raises:
            TransientError: the ledger is away.
        """
        now = api.clock.now()
        known = self._known.get(text)
        if known is not None and now - known[0] < REMEMBERED:
            return known[1] if known[1].is_valid_at(now) else None
        token = await api.database.read(lambda conn: find_token(conn, text, now))
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        if token is not None:
            self._known[text] = (now, token)
        else:
            self._known.pop(text, None)
        return token


def needs(scope: Scope) -> Callable[..., Coroutine[Any, Any, Token]]:
    """Return the dependency that lets tokens with the scope pass, and gives the token."""

    async def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Token:
        return await admitted(request, credentials.credentials if credentials else "", scope)

    return check


async def admitted(request: Request, text: str, scope: Scope) -> Token:
    """Return the token with this text.

    Raises:
        RefusedError: 401 without a valid token, 403 without the scope (RFC 6750, 3.1), 429 when it asks too fast.
        TransientError: the ledger is away.
    """
    cache: TokenCache = request.app.state.tokens
    token = await cache.find(api_of(request), text) if text else None
    if token is None:
        raise RefusedError(401, "a valid bearer token is needed", {"www-authenticate": "Bearer"})
    if scope not in token.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{scope.value}"'
        raise RefusedError(403, f"the token has not the scope {scope.value}", {"www-authenticate": challenge})
    buckets: Buckets = request.app.state.buckets
    buckets.take(token.id, _kind(request, scope))
    return token


def _kind(request: Request, scope: Scope) -> Kind:
    if scope is Scope.SUPPRESSIONS_READ:
        return Kind.CHECK
    return Kind.READ if request.method == "GET" else Kind.WRITE
