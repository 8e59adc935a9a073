"""The pages of other systems: who may see them, what they do, and what they say of failures."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from itaca.keys import open_keyring
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.deliveries import Delivery, log_delivery
from itaca.storage.webhooks import load_webhook
from tests.support.case_facts import judgement
from tests.support.desk_site import Site, letter
from tests.support.desk_web import fill_in, sign_in

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")
CRM = "https://crm.example/itaca"


@pytest.fixture
async def web(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Give a browser in which operations are signed in."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        await sign_in(client, "Paolo Conti")
        yield client


async def subscribed(site: Site, web: httpx.AsyncClient, *events: str) -> tuple[str, str]:
    """Add a subscription by the form; return the path of its page, and its secret."""
    page = await fill_in(web, "/webhooks", {"url": CRM, "event": list(events) or ["case.opened"]})
    (secret,) = set(SECRET.findall(page.text))
    (*_, row) = await site.routed.rows(t.webhooks)
    return f"/webhooks/{row.id}", secret


async def test_a_secret_is_shown_once_and_signs(site: Site, web: httpx.AsyncClient, tmp_path: Path) -> None:
    """On the answer to its making alone, the first and each later one; they are those that sign."""
    path, first = await subscribed(site, web)
    assert not SECRET.search((await web.get(path)).text + (await web.get("/webhooks")).text)
    (second,) = set(SECRET.findall((await fill_in(web, path, {}, f"{path}/secret")).text))
    kept = await site.ledger.database.read(lambda c: load_webhook(c, path.rpartition("/")[2]))
    keyring = open_keyring(load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)}))
    assert kept is not None
    assert kept.secrets_at(site.ledger.clock.now(), keyring) == [second, first]
    assert "quello vecchio vale ancora" in (await web.get(path)).text


async def test_a_subscription_is_paused_resumed_tested_and_ended(site: Site, web: httpx.AsyncClient) -> None:
    """Each by its button, each said on the page, each but the test in the trail of the door."""
    path, _ = await subscribed(site, web)
    for button, says in (("pause", "in pausa dal"), ("resume", "attivo"), ("test", "In partenza")):
        done = await fill_in(web, path, {}, f"{path}/{button}")
        assert says in (await web.get(done.headers["location"])).text
    assert [row.payload["type"] for row in await site.routed.rows(t.outbox, kind="webhook")] == ["webhook.test"]
    await fill_in(web, path, {}, f"{path}/end")
    page = (await web.get(path)).text
    assert ("scollegato da Paolo Conti" in page, "Invia una prova" in page) == (True, False)
    trail = [kind for kind in await site.events() if kind.startswith("webhook")]
    assert sorted(trail) == ["webhook_added", "webhook_ended", "webhook_paused", "webhook_resumed"]
    by_paolo = await site.routed.rows(t.desk_events, by_id=site.people["Paolo Conti"].id)
    assert {row.detail for row in by_paolo} == {f"crm.example {path.rpartition('/')[2]}"}
    assert sorted(row.kind for row in by_paolo) == sorted(trail)


async def test_the_log_says_what_went_wrong_and_sends_again(site: Site, web: httpx.AsyncClient) -> None:
    """Page by page, newest first, in words; the button queues the same event once more."""
    path, _ = await subscribed(site, web)
    await site.receive(letter("Pacco", "È rotto.", "n@posta.example"), judgement("N", "Y"))
    (entry,) = await site.routed.rows(t.outbox, kind="webhook")
    problems = ["the webhook answered 503"] * 26 + ["the webhook does not answer (ReadTimeout)"]
    for number, problem in enumerate(problems):
        status = 503 if "503" in problem else None
        one = Delivery(
            site.ledger.new_id(),
            path[10:],
            entry.id,
            "e",
            "case.opened",
            site.ledger.clock.now(),
            status,
            number,
            problem,
        )
        await site.ledger.database.write(lambda c: log_delivery(c, one))  # noqa: B023 - run at once
    page = (await web.get(path)).text
    assert ("non ha risposto in tempo" in page, page.count("non l&#39;ha accettato"), "0 ms" in page) == (
        True,
        24,
        True,
    )
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    assert (await web.get(older[1].replace("&amp;", "&"))).text.count("non l&#39;ha accettato") == 2
    await fill_in(web, path, {}, re.findall(r'action="([^"]+/again)"', page)[0])
    first, second = await site.routed.rows(t.outbox, kind="webhook")
    assert first.payload == second.payload


@pytest.mark.parametrize("form", [{"url": "crm", "event": "case.opened"}, {"url": CRM}, {"url": "ftp://a.example/"}])
async def test_an_address_that_is_none_is_said_to_be_none(
    site: Site, web: httpx.AsyncClient, form: dict[str, str]
) -> None:
    """Nothing is added, and what was typed is still there."""
    answer = await fill_in(web, "/webhooks", form)
    assert (answer.status_code, form["url"] in answer.text) == (400, True)
    assert await site.count(t.webhooks) == 0


async def test_systems_are_for_those_who_run_the_machine(site: Site, web: httpx.AsyncClient) -> None:
    """Operations and admins; nobody else finds the page, nor the way to it."""
    await sign_in(web, "Giulia Ferri")
    assert (await web.get("/webhooks")).status_code == 200
    for name in ("Anna Neri", "Marco Gallo"):
        await sign_in(web, name)
        assert (await web.get("/webhooks")).status_code == 403
        assert 'href="/webhooks"' not in (await web.get("/flow")).text
    assert (await web.get("/webhooks/none")).status_code == 403
