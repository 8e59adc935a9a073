"""Signing in by a provider: a real one on the loopback, and everything that may be wrong with its word."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from itaca.storage import tables as t
from services.desk.door import SESSION_COOKIE
from services.desk.entrance import BY_PROVIDER
from services.desk.oidc import CALLBACK
from services.desk.routes.provider import ATTEMPT_COOKIE
from tests.support.desk_site import Site, open_site
from tests.support.desk_web import fill_in, save, sign_in
from tests.support.provider import CLIENT_ID, Provider

ANNA = ("subject-of-anna", "Anna@bottega.example")


@pytest.fixture
async def site(tmp_path: Path, provider: Provider) -> AsyncIterator[Site]:
    """Give a desk that knows the provider."""
    async with open_site(tmp_path, **provider.known_to_desk()) as opened:
        yield opened


async def come(
    web: httpx.AsyncClient, provider: Provider, who: tuple[str, str] = ANNA, target: str = "/", **claims: object
) -> httpx.Response:
    """Go to the provider, sign in there, and come back; return what the desk answers then."""
    there = await web.get(f"/sign-in/provider?next={quote(target)}")
    code, state = provider.consent(there.headers["location"], *who, **claims)
    return await web.get(CALLBACK, params={"code": code, "state": state})


async def test_whoever_the_provider_knows_is_let_in(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """To the page they wanted, in a session of their own; the trail says how, and to whom the subject is bound."""
    assert "Entra con Bottega ID" in (await web.get("/sign-in")).text
    answer = await come(web, provider, target="/cases?q=x")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?q=x")
    assert "Anna Neri" in (await web.get("/")).text
    assert ATTEMPT_COOKIE not in web.cookies
    (bound,) = await site.routed.rows(t.identities)
    assert (bound.issuer, bound.subject, bound.person_id) == (provider.issuer, ANNA[0], site.people["Anna Neri"].id)
    said = [(row.kind, row.detail) for row in await site.routed.rows(t.desk_events) if row.kind != "invited"]
    assert sorted(said) == [("bound", ""), ("signed_in", BY_PROVIDER)]


async def test_a_word_that_does_not_hold_lets_nobody_in(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """Back to the sign-in page with a sentence; nothing is bound, and the refusal counts."""
    for sign in (
        lambda provider, own: provider.jwt({**own, "nonce": "another"}),
        lambda provider, own: provider.jwt(own, "none"),
        lambda provider, own: "nonsense",
    ):
        provider.sign = sign
        answer = await come(web, provider)
        assert answer.headers["location"] == "/sign-in?problem=provider_refused"
        assert "non è andato a buon fine" in (await web.get(answer.headers["location"])).text
    assert SESSION_COOKIE not in web.cookies
    assert await site.count(t.identities) == 0
    assert (await site.events()).count("refused") == 3


async def test_the_way_back_is_open_to_the_browser_that_began_only(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """Another state, another browser, another issuer, or no code: refused before the provider is asked."""
    there = await web.get("/sign-in/provider")
    code, state = provider.consent(there.headers["location"], *ANNA)
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as other:
        assert (
            "provider_refused"
            in (await other.get(CALLBACK, params={"code": code, "state": state})).headers["location"]
        )
        await other.get("/sign-in/provider")
        assert (
            "provider_refused"
            in (await other.get(CALLBACK, params={"code": code, "state": state})).headers["location"]
        )
    for wrong in ({"state": "0" * 64}, {"state": ""}, {"code": ""}, {"iss": "https://evil.example"}):
        await web.get("/sign-in/provider")
        answer = await web.get(CALLBACK, params={"code": code, "state": state, **wrong})
        assert answer.headers["location"] == "/sign-in?problem=provider_refused"
    assert (await web.get(CALLBACK, params={"error": "access_denied", "state": state})).status_code == 303
    assert "/token" not in provider.asked


async def test_a_code_counts_once(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """The same way back, gone again with the same cookie, ends at the sign-in page."""
    there = await web.get("/sign-in/provider")
    attempt = web.cookies[ATTEMPT_COOKIE]
    code, state = provider.consent(there.headers["location"], *ANNA)
    back = {"code": code, "state": state}
    assert (await web.get(CALLBACK, params=back)).headers["location"] == "/"
    assert "provider_refused" in (await web.get(CALLBACK, params=back)).headers["location"]
    again = await web.get(CALLBACK, params=back, headers={"cookie": f"{ATTEMPT_COOKIE}={attempt}"})
    assert "provider_refused" in again.headers["location"]
    assert provider.asked.count("/token") == 2


async def test_nobody_is_made_by_a_provider(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """Only an address that is theirs for certain leads to a person, and only to one with access."""
    unverified = [{"email_verified": value} for value in (False, "", "false", 0, None)]
    for claims in unverified:
        assert (await come(web, provider, **claims)).headers["location"] == "/sign-in?problem=provider_unverified"
    for email in ("nessuno@bottega.example", " ", ["anna@bottega.example"]):
        answer = await come(web, provider, ("s", email))
        assert answer.headers["location"] == "/sign-in?problem=provider_unknown"
    assert await site.count(t.identities) == 0


async def test_an_address_given_to_somebody_else_is_not_the_person(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """The subject is the person from the first sign-in on; an admin may undo the tie, and that is written down."""
    await come(web, provider)
    anna = site.people["Anna Neri"]
    assert "provider_unknown" in (await come(web, provider, ("recycled", ANNA[1]))).headers["location"]
    assert (await come(web, provider, (ANNA[0], "married@bottega.example"))).headers["location"] == "/"
    await sign_in(web, "Giulia Ferri")
    page = f"/people/{anna.id}"
    assert (await save(web, page, f"{page}/unbind")).status_code == 303
    assert (await come(web, provider, ("recycled", ANNA[1]))).headers["location"] == "/"
    assert "unbound" in await site.events()


async def test_who_has_left_or_has_no_role_is_unknown(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """A subject that is bound opens nothing either, once its person has left."""
    await come(web, provider)
    await sign_in(web, "Giulia Ferri")
    page = f"/people/{site.people['Anna Neri'].id}"
    assert (await save(web, page, f"{page}/leave")).status_code == 303
    assert "provider_unknown" in (await come(web, provider)).headers["location"]
    assert (await web.get(page)).status_code == 200


async def test_a_provider_that_is_away_is_no_fault_of_the_person(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """Down, ill, or talking nonsense: a sentence, no refusal that counts, and passwords go on working."""
    provider.metadata = {"issuer": "https://evil.example"}
    assert "provider_away" in (await web.get("/sign-in/provider")).headers["location"]
    provider.metadata = {"token_endpoint": "http://bottega.example/token"}
    assert "provider_away" in (await web.get("/sign-in/provider")).headers["location"]
    provider.metadata, provider.answers = {}, [500]
    assert "provider_away" in (await web.get("/sign-in/provider")).headers["location"]
    there = await web.get("/sign-in/provider")
    code, state = provider.consent(there.headers["location"], *ANNA)
    await provider.close()
    answer = await web.get(CALLBACK, params={"code": code, "state": state})
    assert answer.headers["location"] == "/sign-in?problem=provider_away"
    assert "al momento non risponde" in (await web.get(answer.headers["location"])).text
    assert (await sign_in(web, "Anna Neri")).headers["location"] == "/"
    assert "refused" not in await site.events()


async def test_new_keys_are_found(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """A provider changes its keys when it likes."""
    await come(web, provider)
    provider.rotate()
    assert "provider_refused" in (await come(web, provider)).headers["location"]
    await site.ledger.clock.advance(timedelta(minutes=1))
    assert (await come(web, provider)).headers["location"] == "/"
    assert provider.asked.count("/keys") == 2


async def test_what_providers_do_differently(site: Site, web: httpx.AsyncClient, provider: Provider) -> None:
    """The secret in the form or in the header, encoded; the address beside the token, if of the same subject."""
    provider.methods = ["client_secret_post"]
    assert (await come(web, provider)).headers["location"] == "/"
    provider.userinfo = {"sub": "another", "email": "marco@bottega.example", "email_verified": True}
    assert "provider_refused" in (await come(web, provider, ("marco", ""))).headers["location"]
    provider.userinfo["sub"] = "marco"
    assert (await come(web, provider, ("marco", ""))).headers["location"] == "/"
    assert "Marco Gallo" in (await web.get("/")).text


async def test_a_sign_in_by_the_provider_leads_to_pages_of_ours_only(
    web: httpx.AsyncClient, provider: Provider
) -> None:
    """Also when the cookie of the attempt was changed."""
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
        assert (await come(web, provider, target=target)).headers["location"] == "/"
    there = await web.get("/sign-in/provider")
    secret = web.cookies[ATTEMPT_COOKIE].partition(".")[0]
    for target in (base64.urlsafe_b64encode(b"//evil.example").decode(), "!", "_w=="):
        code, state = provider.consent(there.headers["location"], *ANNA)
        cookie = {"cookie": f"{ATTEMPT_COOKIE}={secret}.{target}"}
        answer = await web.get(CALLBACK, params={"code": code, "state": state}, headers=cookie)
        assert answer.headers["location"] == "/"


async def test_refusals_of_one_network_address_are_limited(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """Whoever guesses has to wait, and the provider is not asked meanwhile."""
    for _ in range(50):
        await web.get(CALLBACK, params={"code": "x", "state": "y"})
    assert "too_many" in (await web.get("/sign-in/provider")).headers["location"]
    assert "too_many" in (await web.get(CALLBACK, params={"code": "x", "state": "y"})).headers["location"]
    assert provider.asked == []


async def test_signing_out_says_where_one_is_still_signed_in(
    site: Site, web: httpx.AsyncClient, provider: Provider
) -> None:
    """The session ends here; a link leads to the provider's own way out."""
    await come(web, provider)
    page = (await fill_in(web, "/people", {}, "/sign-out")).headers["location"]
    text = (await web.get(page)).text
    assert f'href="{provider.issuer}/out?client_id={CLIENT_ID}"' in text
    assert (await web.get("/")).headers["location"].startswith("/sign-in")


async def test_addresses_may_be_trusted_by_a_setting(tmp_path: Path, provider: Provider) -> None:
    """Of a provider that never says whether it verified them; one that says no is believed."""
    more = {**provider.known_to_desk(), "ITACA_DESK_OIDC_TRUSTS_ADDRESSES": "true"}
    async with open_site(tmp_path, **more) as site, httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        assert "unverified" in (await come(web, provider, email_verified=False)).headers["location"]
        assert (await come(web, provider, email_verified="")).headers["location"] == "/"


async def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    """Passwords only."""
    async with open_site(tmp_path) as site, httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        assert "/sign-in/provider" not in (await web.get("/sign-in")).text
        assert [(await web.get(path)).status_code for path in ("/sign-in/provider", CALLBACK)] == [404, 404]
