"""Every door of the desk against everybody who might push it: derived from its routes, so that none is forgotten."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from starlette.routing import Mount, Route

from itaca.cases.roles import Right, may
from services.desk.site import ROUTERS
from tests.support.desk_site import CAST, Site, open_site
from tests.support.desk_web import TOKEN, fill_in, sign_in

ANYBODY, SIGNED_IN = "anybody", "signed in"
WITHOUT_TOKEN = {"/policy-reports"}
"""Browsers send it by themselves; it changes nothing."""
RIGHTS: dict[str, str] = {
    # Before somebody is known.
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "GET /sign-in/provider": ANYBODY,
    "GET /sign-in/provider/back": ANYBODY,
    "GET /invite/{secret}": ANYBODY,
    "POST /invite/{secret}": ANYBODY,
    "POST /policy-reports": ANYBODY,
    # Whoever has a role. What some of these allow depends on whom they concern: see test_desk_people.
    "GET /": SIGNED_IN,
    "POST /sign-out": SIGNED_IN,
    "POST /language": SIGNED_IN,
    "GET /live": SIGNED_IN,
    "GET /people": SIGNED_IN,
    "POST /people/{person_id}/absence": SIGNED_IN,
    "POST /people/{person_id}/back": SIGNED_IN,
    "GET /teams": SIGNED_IN,
    "GET /teams/{team_id}": SIGNED_IN,
    "POST /teams/{team_id}/hours": SIGNED_IN,
    "GET /chain": SIGNED_IN,
    # Customers' words.
    "GET /cases": Right.READ,
    "GET /cases/{reference}": Right.READ,
    "GET /cases/{reference}/news": Right.READ,
    "GET /cases/{reference}/contact": Right.WORK,
    "GET /customers/{customer_id}": Right.READ,
    "GET /mails/{mail_id}/html": Right.READ,
    "GET /mails/{mail_id}/original": Right.READ,
    "GET /mails/{mail_id}/files/{position}": Right.READ,
    "GET /mails/{mail_id}/files/{position}/picture": Right.READ,
    "GET /letters/{letter_id}/files/{position}": Right.READ,
    "GET /cancellations": Right.READ,
    "GET /review": Right.WORK,
    "POST /review/{reference}": Right.WORK,
    "POST /review/blind/{mail_id}": Right.WORK,
    "POST /cases/{reference}/contact": Right.WORK,
    "POST /cases/{reference}/take": Right.WORK,
    "POST /cases/{reference}/hand-over": Right.WORK,
    "POST /cases/{reference}/answer": Right.WORK,
    "POST /cases/{reference}/promise": Right.WORK,
    "POST /cases/{reference}/keep": Right.WORK,
    "POST /cases/{reference}/label": Right.WORK,
    "POST /cases/{reference}/close": Right.WORK,
    "POST /cases/{reference}/merge": Right.WORK,
    "POST /cases/{reference}/split": Right.WORK,
    "POST /cases/{reference}/park": Right.WORK,
    "POST /cases/{reference}/resume": Right.WORK,
    "POST /cases/{reference}/law": Right.WORK,
    "POST /cases/{reference}/undo": Right.WORK,
    # Figures.
    "GET /flow": Right.FLOW,
    "GET /value": Right.FLOW,
    "POST /value/removals": Right.ASSIGN,
    "POST /value/removals/{removal_id}/done": Right.ASSIGN,
    # Other systems.
    "GET /webhooks": Right.SYSTEMS,
    "POST /webhooks": Right.SYSTEMS,
    "GET /webhooks/{webhook_id}": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/pause": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/resume": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/end": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/secret": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/test": Right.SYSTEMS,
    "POST /webhooks/{webhook_id}/deliveries/{delivery_id}/again": Right.SYSTEMS,
    # People, teams and roles.
    "POST /people": Right.ACCOUNTS,
    "GET /people/{person_id}": Right.ACCOUNTS,
    "POST /people/{person_id}": Right.ACCOUNTS,
    "POST /people/{person_id}/address": Right.ACCOUNTS,
    "POST /people/{person_id}/role": Right.ACCOUNTS,
    "POST /people/{person_id}/invite": Right.ACCOUNTS,
    "POST /people/{person_id}/unbind": Right.ACCOUNTS,
    "POST /people/{person_id}/leave": Right.ACCOUNTS,
    "POST /people/{person_id}/return": Right.ACCOUNTS,
    "POST /teams": Right.ACCOUNTS,
    "POST /teams/{team_id}": Right.ACCOUNTS,
}
NO_PAGE = {"page": "none"}
MOUNTED = {"/static", "/v1"}
"""Files that are nobody's secret; and the API, whose tokens are tested in ``tests/api``."""
WRONG: tuple[dict[str, Any], ...] = (
    {"data": {}},
    {"data": {"token": ""}},
    {"data": {"token": "0" * 64}},
    {"files": {"f": b"x"}},
    {"content": b"token=x", "headers": {"content-type": "text/plain"}},
)
"""Forms with no token, an empty one, another's, files instead of one, and a form that says it is none."""


def doors() -> list[tuple[str, str]]:
    """Return method and path of every route that asks who it is."""
    asked = [key.split(" ", 1) for key, right in RIGHTS.items() if right != ANYBODY]
    return [(method, path) for method, path in asked]


def filled(path: str) -> str:
    """Return a path under which there is nothing: who may not enter learns not even that."""
    names = ("reference", "person_id", "team_id", "mail_id", "letter_id", "customer_id", "webhook_id", "delivery_id")
    return path.format(**dict.fromkeys((*names, "removal_id", "secret"), "nothing"), position=0)


async def test_every_route_has_its_place_in_the_table(site: Site) -> None:
    """A new page is not served before somebody has said whose it is."""
    routes = [route for router in ROUTERS for route in router.routes]
    assert {f"{method} {route.path}" for route in routes for method in getattr(route, "methods", ())} == set(RIGHTS)
    served = site.stage.app.routes
    assert {route.path for route in served if isinstance(route, Mount)} == MOUNTED
    # The receipts of customers: public, and read only.
    plain = [route for route in served if isinstance(route, Route)]
    assert {tuple(sorted(route.methods or ())) for route in plain} <= {("GET", "HEAD")}
    assert len(served) == len(MOUNTED) + len(plain) + len(ROUTERS)


async def test_nobody_enters_without_a_session(site: Site) -> None:
    """Every page leads to the sign-in, with a made-up cookie, too."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        assert (await web.get("/")).headers["location"].startswith("/sign-in")
        headers = {"cookie": "itaca_session=made-up"}
        answers = [(path, await web.request(method, filled(path), headers=headers)) for method, path in doors()]
    assert [p for p, a in answers if not a.headers.get("location", "").startswith("/sign-in")] == []


async def test_no_form_is_taken_without_this_browsers_token(site: Site) -> None:
    """Neither from an admin's browser nor from a guest's, with no token, an empty one or another's."""
    posts = [key.removeprefix("POST ") for key in RIGHTS if key.startswith("POST ")]
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        await web.get("/sign-in")
        await sign_in(web, "Giulia Ferri")
        sent = dict(zip(posts, itertools.cycle(WRONG), strict=False))
        codes = {path: (await web.post(filled(path), **form)).status_code for path, form in sent.items()}
    # A form without fields of its own takes no files at all.
    assert {path for path, code in codes.items() if code not in (403, 400 if "files" in sent[path] else 403)} == (
        WITHOUT_TOKEN
    )
    assert (await site.events()).count("forged") >= len(posts) // 2


async def test_every_role_enters_where_it_may_and_nowhere_else(site: Site) -> None:
    """A refusal is written down; whoever may enter is told that there is nothing, or what is missing."""
    wrong: list[tuple[str, str, str, int]] = []
    entered: set[tuple[str, str]] = set()
    refused = 0
    for name, role in CAST:
        async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
            await sign_in(web, name)
            token = TOKEN.search((await web.get("/people")).text)
            assert token is not None
            for method, path in doors():
                right = RIGHTS[f"{method} {path}"]
                allowed = right == SIGNED_IN or may(role, Right(right))
                if path == "/sign-out" or (allowed and (method, path) in entered):
                    continue
                form = {"data": {"token": token[1], "version": "0"}} if method == "POST" else {"params": NO_PAGE}
                answer = await web.request(method, filled(path), **form)
                entered |= {(method, path)} if allowed else set()
                refused += not allowed
                if (answer.status_code != 403) != allowed or "/sign-in" in answer.headers.get("location", ""):
                    wrong.append((name, method, path, answer.status_code))
    assert wrong == []
    assert len(entered) == len(doors()) - 1
    assert (await site.events()).count("denied") == refused


async def test_a_new_role_counts_at_once(site: Site) -> None:
    """Whoever loses a role loses what it opens with the next request; a session of before opens nothing."""
    async with (
        httpx.AsyncClient(base_url=site.url, timeout=30) as giulia,
        httpx.AsyncClient(base_url=site.url, timeout=30) as marco,
    ):
        await sign_in(giulia, "Giulia Ferri")
        await sign_in(marco, "Marco Gallo")
        page = f"/people/{site.people['Marco Gallo'].id}"
        again = {"role": "ops"}
        assert (await marco.get("/cases")).status_code == 200
        await fill_in(giulia, page, again, f"{page}/invite")
        assert (await marco.get("/cases")).status_code == 403
        await fill_in(giulia, page, {}, f"{page}/leave")
        assert (await marco.get("/flow")).status_code == 200
        version = (await giulia.get(page)).text.partition('name="version" value="')[2][:16]
        await fill_in(giulia, page, {"version": version}, f"{page}/leave")
        assert (await marco.get("/flow")).headers["location"].startswith("/sign-in")


async def test_a_sign_in_begins_a_new_session_and_ends_the_old_one(site: Site) -> None:
    """A cookie that somebody else planted, or kept, opens nothing."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        web.cookies.set("itaca_session", "planted", domain="127.0.0.1")
        await sign_in(web, "Anna Neri")
        first = web.cookies.get("itaca_session", domain="127.0.0.1.local") or web.cookies.get(
            "itaca_session", domain="127.0.0.1"
        )
        assert first not in (None, "planted")
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        await sign_in(web, "Anna Neri")
        old = web.cookies["itaca_session"]
        await sign_in(web, "Anna Neri")
        assert web.cookies["itaca_session"] != old
    async with httpx.AsyncClient(base_url=site.url, timeout=30, cookies={"itaca_session": old}) as thief:
        assert (await thief.get("/cases")).status_code == 303


async def test_a_burst_of_guesses_does_not_slip_past_the_limit(tmp_path: Path) -> None:
    """What is tried at the same moment is counted one after the other, or nearly."""
    more = {"ITACA_DESK_SIGN_IN_ATTEMPTS": "3"}
    async with open_site(tmp_path, **more) as site, httpx.AsyncClient(base_url=site.url, timeout=60) as web:
        token = TOKEN.search((await web.get("/sign-in")).text)
        assert token is not None
        guesses = [{"token": token[1], "email": "anna@bottega.example", "password": f"guess {n}"} for n in range(12)]
        answers = await asyncio.gather(*(web.post("/sign-in", data=guess) for guess in guesses))
        codes = sorted(answer.status_code for answer in answers)
    assert set(codes) == {403, 429}
    assert codes.count(403) <= 4


async def test_a_form_that_would_fill_the_memory_is_refused(site: Site) -> None:
    """From anybody, before it is known who it is; by its announcement, and by what really comes."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"a" * 65_536

    form = {"content-type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        assert (await web.post("/sign-in", content=b"a" * 2_000_000, headers=form)).status_code == 413
        assert (await web.post("/sign-in", content=pieces(), headers=form)).status_code in (400, 413)
