"""Somebody thinks again: an answer taken back with its words, two cases made one; on a telephone."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser

from itaca.storage import tables as t
from tests.browser.scenes import ROBAN
from tests.support.case_facts import judgement
from tests.support.chromium import visit
from tests.support.desk_site import Site, letter

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
WORDS = "Gentile Roban, le spediamo oggi i tre libri."
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def test_an_answer_is_taken_back_and_two_cases_become_one(site: Site, browser: Browser) -> None:
    """The words are in the form again, the files are asked for again; what is behind *More* fits a small screen."""
    await site.receive(letter("Libri", "L'ordine 4711001 non arriva.", *ROBAN), judgement("N", "Y"))
    first = await site.reference()
    await site.receive(letter("Catalogo", "E per l'ordine 4712002 arriva il catalogo.", *ROBAN), judgement("N", "Y"))
    second = await site.reference()
    await site.ledger.clock.advance(timedelta(minutes=5))
    async with visit(browser, site, "Giulia Ferri", is_phone=True) as giulia:
        page = giulia.page
        await giulia.go(f"/cases/{first}")
        await page.fill("#answer-text", WORDS)
        await page.click("text=Allega file")
        await page.set_input_files(
            "input[name=files]", files=[{"name": "bolla.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}]
        )
        await page.click("text=Invia la risposta")
        await page.wait_for_selector("text=Parte tra 15 secondi")
        assert "bolla.pdf" in await giulia.text(".bubble.ours:last-child")
        await page.click(".notice button")
        await page.wait_for_selector("text=Scelga di nuovo i file")
        assert await page.input_value("#answer-text") == WORDS
        await giulia.go(f"/cases/{first}")
        await page.click("#more")
        await page.click("text=Unisci a un altro caso")
        assert not await page.evaluate(OVERFLOWS)
        await page.click("text=Unisci i due casi")
        await page.wait_for_selector("text=I due casi ora sono uno solo")
        assert second in page.url
        assert giulia.complaints == []
    assert await site.routed.rows(t.outbox, kind="reply") == []
    assert {row.reference: row.outcome for row in await site.routed.cases()} == {first: "merged", second: None}
