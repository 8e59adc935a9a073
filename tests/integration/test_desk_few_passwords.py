"""A desk where passwords are for a few: everybody else signs in by the provider, and nobody is locked out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from itaca.cases.roles import Role
from itaca.settings import load
from itaca.storage import tables as t
from itaca.storage.invitations import invite_path, invite_person
from services.desk.oidc import CALLBACK
from services.desk.settings import DeskSettings
from tests.support.desk_site import Site, address_of, open_site
from tests.support.desk_web import TOKEN, fill_in, save, sign_in
from tests.support.provider import Provider

GIULIA = "Giulia Ferri"


@pytest.fixture
async def site(tmp_path: Path, provider: Provider) -> AsyncIterator[Site]:
    """Give a desk where only the admin, and somebody who is not here yet, may have a password."""
    few = {"ITACA_DESK_PASSWORDS_ONLY_FOR": f"Giulia@bottega.example, {address_of('Rosa Capo')}"}
    async with open_site(tmp_path, **provider.known_to_desk(), **few) as opened:
        yield opened


async def test_a_password_opens_for_the_few_alone(site: Site, web: httpx.AsyncClient) -> None:
    """Anybody else is refused as by a wrong one, in the same words."""
    refused = await sign_in(web, "Anna Neri")
    assert (refused.status_code, "Solo per le poche persone" in refused.text) == (403, True)
    wrong = await sign_in(web, GIULIA, "sbagliata")
    assert TOKEN.sub("", wrong.text) == TOKEN.sub("", refused.text)
    assert "refused" in await site.events()
    assert (await sign_in(web, GIULIA)).status_code == 303


async def test_a_link_leads_the_others_to_the_provider(site: Site, web: httpx.AsyncClient) -> None:
    """One that was made before sets no password; the desk makes none, and gives the role all the same."""
    anna, rng = site.people["Anna Neri"], site.ledger.rng
    now, day = site.ledger.clock.now(), timedelta(days=1)
    secret = await site.ledger.database.write(lambda c: invite_person(c, anna.id, Role.AGENT, now, day, rng))
    link = invite_path(secret)
    assert "Entra con Bottega ID" in (await web.get(link)).text
    await web.get("/sign-in")
    typed = {"password": "una nuova parola lunga", "again": "una nuova parola lunga"}
    assert (await fill_in(web, "/sign-in", typed, link)).status_code == 403
    assert "password_set" not in await site.events()
    await sign_in(web, GIULIA)
    page = f"/people/{anna.id}"
    done = await fill_in(web, page, {"role": "lead"}, f"{page}/invite")
    assert done.headers["location"] == f"{page}?done=access"
    shown = (await web.get(done.headers["location"])).text
    assert ("non serve nessun link" in shown, "Nuovo link" in shown) == (True, False)
    assert [row.role for row in await site.routed.rows(t.accounts, person_id=anna.id)] == ["lead"]
    assert (await web.get(link)).status_code == 404


async def test_the_last_way_in_stays(site: Site, web: httpx.AsyncClient) -> None:
    """The one admin with a password keeps role, address and place, though another signs in by the provider."""
    marco, giulia = site.people["Marco Gallo"], site.people[GIULIA]
    tie = {"issuer": "https://id.example", "subject": "s", "person_id": marco.id, "bound_at": 0}

    def another_admin(c) -> None:
        c.execute(t.accounts.update().where(t.accounts.c.person_id == marco.id).values(role="admin"))
        c.execute(t.identities.insert().values(tie))

    await site.ledger.database.write(another_admin)
    await sign_in(web, GIULIA)
    page = f"/people/{giulia.id}"
    for act, fields in (
        ("role", {"role": "agent"}),
        ("invite", {"role": "agent"}),
        ("address", {"email": "g@bottega.example"}),
        ("leave", {}),
    ):
        answer = await save(web, page, f"{page}/{act}", **fields)
        assert (act, answer.status_code) == (act, 409)
        assert "quando l'account aziendale non funziona" in unescape(answer.text)
    assert "non entra nessuno" not in unescape((await web.get("/people")).text)


async def test_that_none_of_the_few_can_sign_in_is_said(tmp_path: Path, provider: Provider) -> None:
    """An admin reads it on the page of people before the day comes."""
    variables = provider.known_to_desk() | {"ITACA_DESK_PASSWORDS_ONLY_FOR": address_of("Rosa Capo")}
    async with open_site(tmp_path, **variables) as site, httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        there = await web.get("/sign-in/provider")
        code, state = provider.consent(there.headers["location"], "s", address_of(GIULIA))
        await web.get(CALLBACK, params={"code": code, "state": state})
        assert "non entra nessuno" in unescape((await web.get("/people")).text)


def test_the_few_need_a_provider_and_addresses() -> None:
    """Otherwise nobody else could sign in, or nobody is named."""
    wrong = load(DeskSettings, {"ITACA_DESK_PASSWORDS_ONLY_FOR": "giulia"}).problems()
    assert [one.split(":")[0] for one in wrong] == ["ITACA_DESK_PASSWORDS_ONLY_FOR"] * 2
