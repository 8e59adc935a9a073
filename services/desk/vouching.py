"""What a provider says of a person, and whether it holds: signature, issuer, audience, time, nonce."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jws import JWSRegistry

from itaca.errors import PermanentError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by the provider's private key: none without a key, none by the secret that both sides hold."""
LEEWAY_S = 60
_KEY_TYPES = ("RSA", "EC")
_MOST_CHARS = 255


class NotVouchedError(PermanentError):
    """What the provider says does not hold; ``reason`` says which part, without a word of the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the provider's word does not hold: {reason}")
        self.reason = reason


class UnknownKeyError(NotVouchedError):
    """The token names a key that is not among those known; the provider may have new ones."""


@dataclass(frozen=True)
class Vouched:
    """Somebody for whom the provider vouches. ``email`` is empty unless it belongs to them for certain."""

    subject: str
    email: str
    has_unverified_email: bool = False

    @classmethod
    def of(cls, claims: Mapping[str, Any], *, is_trusted: bool) -> "Vouched":
        """Return what the claims say.

        Args:
            is_trusted: the provider's addresses count without ``email_verified``; never against it.
        """
        email, verified = claims.get("email"), claims.get("email_verified")
        known = email.strip().lower() if isinstance(email, str) else ""
        # Some providers write the truth value as a word.
        holds = verified is True or verified == "true" or (is_trusted and verified is None)
        return cls(claims["sub"], known if holds else "", bool(known) and not holds)


def check_id_token(
    tokens: Mapping[str, Any], keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token that holds (OpenID Connect Core 1.0, 3.1.3.7).

    Raises:
        UnknownKeyError: it is signed by a key that is not known.
        NotVouchedError: anything else is wrong with it.
    """
    text = tokens.get("id_token")
    if not isinstance(text, str):
        raise NotVouchedError("no_token")
    try:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        token = jwt.decode(text, _key_set(keys), registry=registry)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"value": issuer}, "aud": {"value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": tokens.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except InvalidKeyIdError as error:
        raise UnknownKeyError("key") from error
    except JoseError as error:
        raise NotVouchedError(str(getattr(error, "claim", "") or error.error)[:40]) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise NotVouchedError("malformed") from error
    subject = claims["sub"]
    if not 0 < len(subject) <= _MOST_CHARS or not isinstance(subject, str):
        raise NotVouchedError("sub")
    return dict(claims)


def _key_set(keys: Mapping[str, Any]) -> KeySet:
    """Return the keys that may sign; those for other ends, or of a kind that is not used here, are passed over."""
    usable = [one for one in keys["keys"] if one.get("kty") in _KEY_TYPES and one.get("use", "sig") == "sig"]
    return KeySet([JWKRegistry.import_key(one) for one in usable])
