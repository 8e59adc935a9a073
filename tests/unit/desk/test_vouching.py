"""What a provider says is believed only when everything about it holds."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from itaca.clock import ManualClock
from services.desk.vouching import NotVouchedError, UnknownKeyError, Vouched, check_id_token
from tests.support.ledger import NOW
from tests.support.provider import CLIENT_ID, Provider

NONCE = "nonce"
TIME = int(NOW.timestamp())
GOOD = {"aud": CLIENT_ID, "iat": TIME, "exp": TIME + 300, "nonce": NONCE, "sub": "anna", "email": "a@x.example"}


@pytest.fixture(scope="module")
def provider() -> Provider:
    """Give a provider that nobody asks: its tokens and keys are read as they are."""
    made = Provider(ManualClock(NOW))
    made.url = "https://id.example/itaca"
    return made


def check(provider: Provider, token: object) -> dict[str, Any]:
    tokens = {"id_token": token, "access_token": "access"}
    return check_id_token(tokens, provider.public_keys(), provider.issuer, CLIENT_ID, NONCE, NOW)


def good(provider: Provider, **other: object) -> dict[str, Any]:
    return {"iss": provider.issuer, **GOOD, **other}


def test_a_word_that_holds_is_believed(provider: Provider) -> None:
    """Several audiences too, when the token was made for us."""
    assert check(provider, provider.jwt(good(provider)))["sub"] == "anna"
    several = good(provider, aud=[CLIENT_ID, "another"], azp=CLIENT_ID)
    assert check(provider, provider.jwt(several))["email"] == "a@x.example"


def another(**claims: Any) -> Callable[[Provider, dict[str, Any]], str]:
    return lambda provider, own: provider.jwt({**own, **claims})


def unsigned(provider: Provider, claims: dict[str, Any]) -> str:
    return provider.jwt(claims, "none")


def by_another_key(provider: Provider, claims: dict[str, Any]) -> str:
    return provider.jwt(claims, key=rsa.generate_private_key(65537, 2048))


def by_the_secret(provider: Provider, claims: dict[str, Any]) -> str:
    return provider.jwt(claims, "HS256")


def changed_afterwards(provider: Provider, claims: dict[str, Any]) -> str:
    good, other = provider.jwt(claims).split("."), provider.jwt({**claims, "sub": "another"}).split(".")
    return ".".join((good[0], other[1], good[2]))


WRONG = {
    "another nonce": another(nonce="another"),
    "no nonce": lambda provider, own: provider.jwt({k: v for k, v in own.items() if k != "nonce"}),
    "another audience": another(aud="another-client"),
    "one audience of several": another(aud=[CLIENT_ID, "another-client"]),
    "another party": another(azp="another-client"),
    "another issuer": another(iss="https://evil.example"),
    "expired": another(exp=TIME - 3600, iat=TIME - 7200),
    "from the future": another(iat=TIME + 3600, exp=TIME + 7200),
    "without end": lambda provider, own: provider.jwt({k: v for k, v in own.items() if k != "exp"}),
    "no subject": another(sub=""),
    "a subject that is no text": another(sub=["a"]),
    "another access token": another(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no signature": unsigned,
    "another key": by_another_key,
    "the shared secret": by_the_secret,
    "changed afterwards": changed_afterwards,
    "no token": lambda provider, own: "nonsense",
}


@pytest.mark.parametrize("sign", WRONG.values(), ids=WRONG.keys())
def test_a_word_that_does_not_hold_is_not_believed(provider: Provider, sign) -> None:
    """Whatever is wrong with it: whose, for whom, when, in answer to what, and signed by whom."""
    with pytest.raises(NotVouchedError):
        check(provider, sign(provider, good(provider)))


@pytest.mark.parametrize("token", [None, "", "a.b.c", 7, ["x"]])
def test_what_is_no_token_is_refused(provider: Provider, token: object) -> None:
    """Nothing that a provider sends is an error of ours."""
    with pytest.raises(NotVouchedError):
        check(provider, token)


def test_a_key_that_is_not_known_is_told_apart(provider: Provider) -> None:
    """The provider may have new ones."""
    other = Provider(ManualClock(NOW))
    other.url, other.key_id = provider.url, "another"
    with pytest.raises(UnknownKeyError):
        check(provider, other.jwt(good(provider)))


@pytest.mark.parametrize(
    ("verified", "is_trusted", "email"),
    [
        (True, False, "a@x.example"),
        ("true", False, "a@x.example"),
        (None, True, "a@x.example"),
        (None, False, ""),
        (False, True, ""),
        (1, False, ""),
        ("yes", True, ""),
    ],
)
def test_an_address_counts_when_it_is_theirs_for_certain(verified: object, is_trusted: bool, email: str) -> None:
    """The setting speaks for a provider that says nothing, never against one that says no."""
    claims = {"sub": "anna", "email": " A@x.example", "email_verified": verified}
    assert Vouched.of(claims, is_trusted=is_trusted).email == email
