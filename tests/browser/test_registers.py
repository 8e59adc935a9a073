"""Cancellations, contacts by other ways, a customer's history and the value of answers, in the system's Chromium."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser

from itaca.storage import tables as t
from tests.browser.scenes import DARIO, LIA, WET, cancelled, scored, violated
from tests.support.answers_worth import put_scored
from tests.support.case_facts import judgement
from tests.support.chromium import visit
from tests.support.desk_site import Site

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]


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
        await anna.page.click(".register a[href^='/receipts/']")
        assert "autentica" in await anna.text("body")
        await anna.go("/cancellations?show=requested")
        said = await anna.text(".register")
        assert waiting in said
        assert broken not in said


async def test_a_call_is_recorded_by_keys_and_counts(site: Site, browser: Browser) -> None:
    """From the case: one key, the words, Enter on the button; the case knows of a second contact."""
    await site.receive(WET, judgement("N", "Y"))
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
    """Without a script: both ways, both directions, one page."""
    await site.receive(WET, judgement("N", "Y"))
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
        await anna.go("/customers/nobody")
        assert await anna.page.locator(".bubble").count() == 0


async def test_a_lead_sees_what_answers_cost_and_removes_a_cause(site: Site, browser: Browser) -> None:
    """Ranked by cost, as a plot and a table; a removal is begun and done, and the figure falls. No script needed."""
    await site.receive(WET, judgement("N", "Y"))
    await scored(site)
    async with visit(browser, site, "Marco Gallo", has_javascript=False) as marco:
        await marco.page.click("nav >> text=Valore")
        rows = await marco.page.locator("tbody tr").all_inner_texts()
        assert [("riscrivere" in rows[0], "già avuti" in rows[1])] == [(True, True)]
        assert await marco.page.locator("svg.pareto rect.answers").count() == 3
        assert "8 contatti" in await marco.text(".figures")
        await marco.page.click("text=Per testo")
        assert "Chiediamo un'informazione" in await marco.text("tbody")
        await marco.page.click("summary:has-text('Avvia')")
        await marco.page.fill("input[name=says]", "Ogni risposta dice quando arriva il pacco")
        await marco.page.select_option("select[name=cause]", "wrote_again")
        await marco.page.click("details button.main")
        assert "38 % (3 su 8)" in await marco.text(".removals")
        await site.ledger.clock.advance(timedelta(hours=1))
        await marco.page.click("text=È fatto")
        assert "troppo presto" in await marco.text(".removals")
        await site.ledger.clock.advance(timedelta(hours=2))
        now, rng = site.ledger.clock.now(), site.ledger.rng
        later = [("", 0)] * 4
        await site.ledger.database.write(lambda c: put_scored(c, now - timedelta(hours=1), rng, later))
        await marco.go("/value")
        assert "è sceso" in await marco.text(".removals")


async def test_an_agent_reads_values_and_begins_nothing(site: Site, browser: Browser) -> None:
    """By team and by month, without a form."""
    await site.receive(WET, judgement("N", "Y"))
    await scored(site)
    async with visit(browser, site, "Anna Neri", language="en-GB") as anna:
        await anna.go("/value?by=team&days=28")
        assert "Servizio Clienti" in await anna.text("tbody")
        assert await anna.page.locator("main form").count() == 0
