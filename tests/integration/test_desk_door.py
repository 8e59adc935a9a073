"""The door of the desk over HTTP: cookies, forms, refusals, and what is written about each."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.desk.door import SESSION_COOKIE
from tests.support.case_facts import judgement
from tests.support.desk_site import Site, letter, open_site
from tests.support.desk_web import TOKEN, save, sign_in


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a desk that listens."""
    async with open_site(tmp_path, ITACA_DESK_SIGN_IN_ATTEMPTS="3") as opened:
        yield opened


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(web: httpx.AsyncClient) -> None:
    """HttpOnly, SameSite, and of as much chance as nobody guesses."""
    answer = await sign_in(web, "Anna Neri")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert len(web.cookies[SESSION_COOKIE]) >= 43
    assert (await web.get("/")).status_code == 200


async def test_by_https_cookies_never_travel_in_the_clear(tmp_path: Path) -> None:
    """Secure, tied to the host, and the browser is told to come by TLS."""
    async with open_site(tmp_path, ITACA_DESK_PUBLIC_URL="https://desk.example") as site:
        answer = await asyncio.to_thread(httpx.get, f"{site.url}/sign-in", timeout=30)
    assert answer.headers["set-cookie"].startswith("__Host-")
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


async def test_who_tries_too_often_waits(site: Site, web: httpx.AsyncClient) -> None:
    """After three refusals the right password is refused too, for a quarter of an hour; all is written down."""
    refused = [(await sign_in(web, "Anna Neri", "sbagliata")).status_code for _ in range(3)]
    assert refused == [403, 403, 403]
    assert (await sign_in(web, "Anna Neri")).status_code == 429
    assert (await sign_in(web, "Marco Gallo")).status_code == 303
    await site.ledger.clock.advance(timedelta(minutes=16))
    assert (await sign_in(web, "Anna Neri")).status_code == 303
    events = await site.events()
    assert [events.count(kind) for kind in ("refused", "too_many", "signed_in")] == [3, 1, 2]


async def test_an_unknown_address_is_told_the_same(web: httpx.AsyncClient) -> None:
    """Whether an address has an account is nobody's business."""
    answers = [(await sign_in(web, name, "sbagliata")) for name in ("Anna Neri", "Nessuno Mai")]
    texts = [TOKEN.sub("", answer.text) for answer in answers]
    assert texts[0] == texts[1]


async def test_a_sign_in_leads_to_pages_of_ours_only(web: httpx.AsyncClient) -> None:
    """A link that ends at somebody else's page is not followed."""
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert (await sign_in(web, "Anna Neri", target=target)).headers["location"] == "/"
    assert (await sign_in(web, "Anna Neri", target="/cases?q=x")).headers["location"] == "/cases?q=x"


async def test_roles_are_kept_apart(site: Site, web: httpx.AsyncClient) -> None:
    """Operations read nobody's mail, agents give no roles, and each refusal is written down."""
    mail_id = await site.receive(letter("Pacco", "È rotto.", "n@posta.example"), judgement("N", "Y"))
    reference = await site.reference()
    await sign_in(web, "Paolo Conti")
    private = [f"/cases/{reference}", "/cases", "/review", f"/mails/{mail_id}/original", f"/mails/{mail_id}/html"]
    assert [(await web.get(path)).status_code for path in private] == [403] * len(private)
    await sign_in(web, "Anna Neri")
    token = TOKEN.search((await web.get("/people")).text)
    assert token is not None
    anna, marco = site.people["Anna Neri"].id, site.people["Marco Gallo"].id
    days = {"token": token[1], "first_day": "2026-03-10", "last_day": "2026-03-12"}
    denied = [
        await web.post(f"/people/{anna}/role", data={"token": token[1], "role": "admin"}),
        await web.post(f"/people/{marco}/invite", data={"token": token[1], "role": "agent"}),
        await web.post(f"/people/{marco}/absence", data=days),
    ]
    assert [answer.status_code for answer in denied] == [403, 403, 403]
    assert (await web.post(f"/people/{anna}/absence", data=days)).status_code == 303
    assert (await site.events()).count("denied") >= len(private) + 2


async def test_every_answer_is_sealed(site: Site, web: httpx.AsyncClient) -> None:
    """A policy without exceptions, no sniffing, no framing, and no copy of customers' words in any cache."""
    await sign_in(web, "Anna Neri")
    for path in ("/", "/people", "/nowhere", "/static/desk.css", "/sign-in"):
        headers = (await web.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("no-store" if "static" not in path else "public, max-age=3600")


async def test_the_last_admin_stays_one(site: Site, web: httpx.AsyncClient) -> None:
    """Nobody could undo it."""
    await sign_in(web, "Giulia Ferri")
    giulia = site.people["Giulia Ferri"].id
    page = f"/people/{giulia}"
    for path, more in (("role", {"role": "agent"}), ("invite", {"role": "agent"}), ("leave", {})):
        answer = await save(web, page, f"{page}/{path}", **more)
        assert (answer.status_code, "questo è l&#39;ultimo" in answer.text) == (409, True)
    assert (await web.get("/people")).status_code == 200
