"""The register of cancellations, contacts by other ways and the history of a customer, in the system's Chromium."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser
from sqlalchemy import Connection, insert

from itaca.cases.activities import Activity
from itaca.cases.policy import Policy
from itaca.contracts.intents import ActivityKind, CaseKind
from itaca.storage import tables as t
from itaca.storage.activities import report_activity
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.moments import to_micros
from tests.support.case_facts import judgement
from tests.support.chromium import Visit, visit
from tests.support.desk_site import Site, letter

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
POLICY = Policy()
DARIO, LIA = ("dario.mele@posta.example", "Dario Mele"), ("lia@posta.example", "Lia Sanna")


async def cancelled(site: Site, sender: str, name: str) -> str:
    """Let somebody cancel, and return the reference of the case."""
    mail = letter("Disdetta", f"Chiedo la disattivazione dell'abbonamento. {name}", sender, name)
    await site.receive(mail, judgement("N", "N", "Y"))
    return await site.reference(CaseKind.CANCELLATION)


async def violated(site: Site, reference: str) -> None:
    """Let its system carry it out, sign its receipt, and charge all the same."""
    rng, now = site.ledger.rng, site.ledger.clock.now()
    await site.ledger.database.write(
        lambda c: confirm_effect(c, reference, Effect(now, "contratto 88 chiuso", "fatture"), now, POLICY, rng, "api")
    )
    await site.ledger.clock.advance(timedelta(days=3))
    later = site.ledger.clock.now()
    charge = Activity("fatture", "991", ActivityKind.CHARGE, later, email=DARIO[0], amount="5,00 EUR")
    await site.ledger.database.write(lambda c: report_activity(c, charge, later, POLICY, rng, "api"))

    def sign(c: Connection) -> None:
        (case,) = c.execute(t.cases.select().where(t.cases.c.reference == reference)).all()
        row = {"token": "prova", "case_id": case.id, "issued_at": to_micros(later), "document": "{}"}
        c.execute(insert(t.receipts).values(**row, signature=b"s", public_key=b"k"))

    await site.ledger.database.write(sign)


async def serious(one: Visit) -> list[str]:
    """Return what axe-core finds serious on the page as it stands, opened wherever it can be opened."""
    await one.page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
    found = await Axe().run(one.page, options=RULES)
    return [
        f"{one.page.url}: {violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


async def test_the_register_shows_where_each_cancellation_stands(site: Site, browser: Browser) -> None:
    """State, customer, receipt, executing system, watch and violations; filtered by links, without a script."""
    broken, waiting = await cancelled(site, *DARIO), await cancelled(site, *LIA)
    await violated(site, broken)
    async with visit(browser, site, "Anna Neri", has_javascript=False) as anna:
        await anna.page.click("nav >> text=Disdette")
        assert await anna.page.locator(".register .line").count() == 2
        await anna.page.click("text=Con violazioni")
        said = await anna.text(".register")
        assert all(word in said for word in ("Dario Mele", "1 violazione", "fatture", "contratto 88 chiuso", broken))
        assert await anna.page.get_attribute("text=ricevuta firmata", "href") == "/receipts/prova"
        await anna.go("/cancellations?show=requested")
        said = await anna.text(".register")
        assert waiting in said
        assert broken not in said


async def test_the_register_fits_a_phone_and_shuts_nobody_out(site: Site, browser: Browser) -> None:
    """Light on the phone, dark at a desk; nothing serious, nothing wider than the screen."""
    await violated(site, await cancelled(site, *DARIO))
    async with visit(browser, site, "Anna Neri", is_phone=True) as anna:
        await anna.go("/cancellations")
        assert await anna.page.evaluate("document.documentElement.scrollWidth") == 360
        found = await serious(anna)
    async with visit(browser, site, "Anna Neri", is_dark=True, language="en-GB") as anna:
        await anna.go("/cancellations")
        assert "1 violation" in await anna.text()
        found += await serious(anna)
    assert found == []


async def test_a_call_is_recorded_by_keys_and_counts(site: Site, browser: Browser) -> None:
    """From the case: one key, the words, Enter on the button; the case knows of a second contact."""
    await site.receive(letter("Pacco", "Il pacco era aperto e bagnato.", *LIA), judgement("N", "Y"))
    reference = await site.reference()
    await site.ledger.clock.advance(timedelta(hours=1))
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go(f"/cases/{reference}")
        await anna.page.keyboard.press("i")
        await anna.page.wait_for_selector("textarea:focus")
        await anna.page.keyboard.type("Telefona: il pacco bagnato è ancora qui.")
        picture = {"name": "foto.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
        await anna.page.set_input_files("input[name=files]", [picture])
        await anna.page.focus("main button.main")
        await anna.page.keyboard.press("Enter")
        await anna.page.wait_for_url("**done=contact")
        said = await anna.text()
        assert "Telefona: il pacco bagnato" in said
        assert "foto.png" in said
        assert anna.complaints == []
    (case,) = await site.routed.cases()
    assert (case.contacts, case.level) == (2, 1)
    assert [row.channel for row in await site.routed.rows(t.interactions)] == ["mail", "call"]


async def test_a_visit_and_our_call_stand_in_the_customers_history(site: Site, browser: Browser) -> None:
    """Without a script, on a phone and in the dark: both ways, both directions, one page; nothing too wide."""
    await site.receive(letter("Pacco", "Il pacco era aperto e bagnato.", *LIA), judgement("N", "Y"))
    reference = await site.reference()
    await site.ledger.clock.advance(timedelta(hours=1))
    async with visit(browser, site, "Anna Neri", has_javascript=False) as anna:
        for channel, direction, says in (
            ("visit", "in", "È passata in negozio."),
            ("call", "out", "L'ho richiamata."),
        ):
            await site.ledger.clock.advance(timedelta(minutes=5))
            await anna.go(f"/cases/{reference}/contact")
            await anna.page.check(f"input[value={channel}]")
            await anna.page.check(f"input[name=direction][value={direction}]")
            await anna.page.fill("textarea", says)
            await anna.page.click("main button.main")
            assert "Fatto" in await anna.text(".good")
        await anna.page.click("text=Tutta la storia del cliente")
        bubbles = await anna.page.locator(".bubble").all_inner_texts()
        assert [("Telefonata" in one, "Visita" in one) for one in bubbles][:2] == [(True, False), (False, True)]
        assert "aperto e bagnato" in bubbles[-1]
        path = anna.page.url.removeprefix(site.url)
        await anna.go("/customers/nobody")
        assert await anna.page.locator(".bubble").count() == 0
    async with visit(browser, site, "Anna Neri", is_phone=True, is_dark=True) as anna:
        found = []
        for page in (path, f"/cases/{reference}/contact"):
            await anna.go(page)
            found += await serious(anna)
            assert (page, await anna.page.evaluate("document.documentElement.scrollWidth")) == (page, 360)
        assert found == []
