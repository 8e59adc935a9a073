"""Another provider vouches for people: OpenID Connect Core 1.0, the authorization code flow with PKCE (RFC 7636).

What ties one attempt together, its state, nonce and code verifier, follows from one secret in a cookie of the
browser that began it: nothing is kept here, and no other browser can end it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from authlib.common.security import is_secure_transport
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url

from itaca.errors import TransientError
from services.desk.settings import DeskSettings
from services.desk.vouching import NotVouchedError, UnknownKeyError, Vouched, check_id_token

log = structlog.get_logger()
CALLBACK = "/sign-in/provider/back"
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
KEPT = timedelta(hours=1)
"""How long the provider's addresses and keys are believed."""
_KEYS_AGAIN = timedelta(seconds=30)
"""The least time between two looks at the keys for one that is not among them."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


class ProviderAwayError(TransientError):
    """The provider cannot be reached, or does not answer as one."""


@dataclass(frozen=True)
class Known:
    """What the provider published, and when it was read."""

    metadata: Mapping[str, Any]
    keys: Mapping[str, Any]
    at: datetime


class Provider:
    """One provider, as the settings name it; it is asked for nothing before somebody signs in by it."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings
        self._known: Known | None = None

    @property
    def issuer(self) -> str:
        return self._settings.oidc_issuer

    @property
    def name(self) -> str:
        return self._settings.oidc_name

    @property
    def redirect_uri(self) -> str:
        """Return where the provider sends the browser back to; it must be registered there."""
        return self._settings.public_url.rstrip("/") + CALLBACK

    def is_ours(self, state: str, secret: str) -> bool:
        """Say whether the browser with this secret began the attempt of this state."""
        return bool(secret) and hmac.compare_digest(_derived("state", secret).encode(), state.encode())

    async def begin(self, secret: str, now: datetime) -> str:
        """Return the provider's page to which the browser goes.

        Raises:
            ProviderAwayError: the provider cannot be reached.
        """
        known = await self._look(now)
        url: str = prepare_grant_uri(
            known.metadata["authorization_endpoint"],
            client_id=self._settings.oidc_client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope="openid email",
            state=_derived("state", secret),
            nonce=_derived("nonce", secret),
            code_challenge=create_s256_code_challenge(_derived("verifier", secret)),
            code_challenge_method="S256",
        )
        return url

    async def finish(self, code: str, secret: str, now: datetime) -> Vouched:
        """Give the code back for what the provider says of the person.

        Raises:
            ProviderAwayError: the provider cannot be reached.
            NotVouchedError: it refuses the code, or what it says does not hold.
        """
        known = await self._look(now)
        tokens = await self._tokens(known, code, _derived("verifier", secret))
        nonce = _derived("nonce", secret)
        try:
            claims = check_id_token(tokens, known.keys, self.issuer, self._settings.oidc_client_id, nonce, now)
        except UnknownKeyError:
            if now - known.at < _KEYS_AGAIN:
                raise
            known = await self._look(now, is_fresh=True)
            claims = check_id_token(tokens, known.keys, self.issuer, self._settings.oidc_client_id, nonce, now)
        if "email" not in claims and "userinfo_endpoint" in known.metadata:
            claims |= await self._more(known, str(tokens.get("access_token", "")), claims["sub"])
        return Vouched.of(claims, is_trusted=self._settings.oidc_trusts_addresses)

    async def sign_out_page(self, now: datetime) -> str:
        """Return the provider's page on which one signs out there too; empty if it has none, or is away."""
        try:
            known = await self._look(now)
        except ProviderAwayError:
            return ""
        page = known.metadata.get("end_session_endpoint")
        if not (isinstance(page, str) and is_secure_transport(page)):
            return ""
        return f"{page}{'&' if '?' in page else '?'}client_id={quote(self._settings.oidc_client_id, safe='')}"

    async def _look(self, now: datetime, is_fresh: bool = False) -> Known:
        if self._known is None or is_fresh or now - self._known.at > KEPT:
            metadata = await self._get(get_well_known_url(self.issuer, external=True))
            wrong = [name for name in _ENDPOINTS if not _is_endpoint(metadata.get(name))]
            if metadata.get("issuer") != self.issuer or wrong:
                log.warning("desk.provider_refused", reason="metadata")
                raise ProviderAwayError("the provider publishes another issuer, or no secure endpoints")
            self._known = Known(metadata, await self._get(metadata["jwks_uri"]), now)
        return self._known

    async def _tokens(self, known: Known, code: str, verifier: str) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code", redirect_uri=self.redirect_uri, code=code, code_verifier=verifier
        )
        settings, methods = self._settings, known.metadata.get("token_endpoint_auth_methods_supported") or ()
        secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
        if "client_secret_post" in methods or not secret:
            auth = ClientAuth(settings.oidc_client_id, secret, "client_secret_post" if secret else "none")
        else:
            # RFC 6749, 2.3.1: both are encoded as in a form before they are joined by a colon.
            auth = ClientAuth(quote(settings.oidc_client_id, safe=""), quote(secret, safe=""), "client_secret_basic")
        url, headers, body = auth.prepare("POST", known.metadata["token_endpoint"], dict(_FORM), body)
        tokens = await self._ask("POST", url, headers=headers, content=body)
        if "error" in tokens:
            raise NotVouchedError("code")
        return tokens

    async def _more(self, known: Known, access_token: str, subject: str) -> dict[str, Any]:
        """Return what the provider says of the person beside the token (OpenID Connect Core 1.0, 5.3)."""
        url = known.metadata["userinfo_endpoint"]
        if not _is_endpoint(url):
            return {}
        more = await self._get(url, {"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != subject:
            raise NotVouchedError("userinfo")
        return {name: more[name] for name in ("email", "email_verified") if name in more}

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", url, headers={"Accept": "application/json", **(headers or {})})

    async def _ask(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
                answer = await client.request(method, url, **request)
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, UnicodeDecodeError) as error:
            log.warning("desk.provider_missed", error=type(error).__name__)
            raise ProviderAwayError("the provider cannot be reached") from error
        is_refusal = answer.status_code in (400, 401) and isinstance(found, dict) and "error" in found
        if not isinstance(found, dict) or not (answer.is_success or is_refusal):
            log.warning("desk.provider_missed", status=answer.status_code)
            raise ProviderAwayError("the provider does not answer as one")
        return found


def _is_endpoint(url: object) -> bool:
    return isinstance(url, str) and bool(is_secure_transport(url))


def _derived(what: str, secret: str) -> str:
    """Return one of the values of an attempt; none of them tells another, or the secret."""
    return hashlib.sha256(f"oidc:{what}:{secret}".encode()).hexdigest()
