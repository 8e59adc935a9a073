"""Each role through its day, in the system's Chromium."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from itaca.contracts.intents import CaseKind
from itaca.settings import load
from itaca.storage import tables as t
from services.watch.app import build as build_watch
from services.watch.settings import WatchSettings
from tests.browser.scenes import WET, play, to_check, to_decide
from tests.support.case_facts import judgement
from tests.support.chromium import visit
from tests.support.desk_site import Site, open_site

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]


async def test_an_agent_takes_answers_labels_and_closes(site: Site, browser: Browser) -> None:
    """From the morning's list to the closed case: the letter waits in the outbox, the label stands."""
    await site.receive(WET, judgement("N", "Y"), spans=["aperto e bagnato"])
    reference = await site.reference()
    await site.give_to("Marco Gallo", reference)
    async with visit(browser, site, "Anna Neri") as anna:
        page = anna.page
        await anna.go(f"/cases/{reference}")
        assert await page.inner_text("mark.complaint") == "aperto e bagnato"
        await page.keyboard.press("t")
        await page.wait_for_selector(".good")
        await page.keyboard.press("c")
        await page.keyboard.press("s")
        await page.wait_for_url("**done=labelled")
        await page.select_option("select[name=template]", "sorry")
        assert "Anna Neri" in await page.input_value("#answer-text")
        await site.ledger.clock.advance(timedelta(minutes=5))
        await page.fill("#answer-text", "Gentile Nadia, le spediamo oggi un altro pacco.")
        await page.check("input[name=then][value=close]")
        await page.fill("fieldset input[name=evidence]", "pacco 4711 spedito oggi")
        await page.click("text=Invia la risposta")
        await page.wait_for_selector("text=La sua risposta è in partenza.")
        assert "le spediamo oggi" in await anna.text(".bubble.ours:last-child")
        await anna.go("/")
        assert "Ben fatto" in await anna.text()
        assert anna.complaints == []
    (case,) = await site.routed.cases()
    assert (case.status, case.outcome) == ("closed", "remedied")
    (reply,) = await site.routed.rows(t.outbox, kind="reply")
    assert reference in reply.payload["subject"]
    assert reply.payload["template"] == "sorry"
    assert [row.intents for row in await site.routed.rows(t.labels)] == [["complaint"]]


async def test_thirty_mails_are_decided_by_keys(site: Site, browser: Browser) -> None:
    """One key for each intent, Enter for the next: nobody's hand leaves the keyboard."""
    await to_decide(site, 30)
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go("/review")
        for number in range(30):
            await anna.page.wait_for_selector(f".tabs a >> nth=0 >> text={30 - number}")
            if number % 3:
                await anna.page.keyboard.press("ck"[number % 2])
                await anna.page.keyboard.press("Enter")
            else:
                await anna.page.keyboard.press("x")
        await anna.page.wait_for_selector(".calm")
    labels = await site.routed.rows(t.labels)
    assert len(labels) == 30
    assert sum(row.intents == [] for row in labels) == 10
    assert {row.status for row in await site.routed.cases(CaseKind.REVIEW)} == {"closed"}


async def test_the_blind_check_shows_nothing_that_the_machine_said(site: Site, browser: Browser) -> None:
    """No mark, no suggestion, no reason; a complaint that is found gets its case."""
    await to_check(site, 2)
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go("/review?blind=true")
        assert await anna.page.locator("mark, input:checked, .mail .news").count() == 0
        await anna.page.keyboard.press("x")
        await anna.page.wait_for_selector("text=Non chiedeva nulla")
        await anna.page.keyboard.press("c")
        await anna.page.keyboard.press("Enter")
        await anna.page.wait_for_selector(".good a")
        assert re.fullmatch(r"IT-\w{5}-\w{5}", await anna.page.inner_text(".good a"))
    assert [row.is_blind for row in await site.routed.rows(t.labels)] == [True, True]


async def test_a_lead_watches_an_escalation_and_hands_the_case_over(browser: Browser, tmp_path: Path) -> None:
    """Days pass in seconds: the promise breaks on the page that is open; its lead takes it and gives it away."""
    async with open_site(tmp_path, ITACA_DESK_SESSION_HOURS="240") as site:
        await site.receive(WET, judgement("N", "Y"))
        reference = await site.reference()
        watch = build_watch(site.stage.app.state.parts, load(WatchSettings, {}))
        async with visit(browser, site, "Marco Gallo", language="en-GB") as marco:
            await marco.go(f"/cases/{reference}")
            for _ in range(4 * 24):
                await site.ledger.clock.advance(timedelta(hours=1))
                await watch.escalate()
            await marco.page.wait_for_selector("#news >> text=Promise broken")
            await marco.page.click("#news >> text=Show it")
            await marco.page.wait_for_selector("text=level 1")
            await marco.page.click("text=I take it")
            await marco.page.wait_for_selector(".good")
            await marco.page.click("summary:has-text('Hand it over')")
            await marco.page.select_option("select[name=to]", label="Giulia Ferri")
            await marco.page.fill("details[open] input[name=says]", "She knows the warehouse")
            await marco.page.click("button:has-text('Hand it over')")
            await marco.page.wait_for_selector("text=Giulia Ferri")
        (case,) = await site.routed.cases()
        assert case.owner_id == site.people["Giulia Ferri"].id


async def test_operations_see_the_flow_and_nobodys_words(site: Site, browser: Browser) -> None:
    """Their day begins with the flow; a case is denied, and that is written down."""
    refs = await play(site)
    async with visit(browser, site, "Paolo Conti") as paolo:
        assert paolo.page.url.endswith("/flow")
        assert "I conti tornano" in await paolo.text()
        assert await paolo.page.locator("svg.plot rect").count() > 0
        await paolo.go(f"/cases/{refs['roban']}")
        assert "non è per lei" in await paolo.text()
        assert "libri" not in await paolo.text()
    assert "denied" in await site.events()


async def test_an_admin_invites_somebody_who_chooses_a_password(site: Site, browser: Browser) -> None:
    """The link is shown once, works once, and lets its person in."""
    async with visit(browser, site, "Giulia Ferri") as giulia:
        await giulia.go("/people")
        card = giulia.page.locator("li.card", has_text="Anna Neri")
        await card.locator("summary:has-text('Accesso')").click()
        await card.locator("text=Nuovo link").click()
        link = await giulia.page.inner_text("code.link")
    path = link[link.index("/invite/") :]
    async with visit(browser, site) as anna:
        await anna.go(path)
        await anna.page.fill("input[name=password]", "una nuova parola lunga")
        await anna.page.fill("input[name=again]", "una nuova parola lunga")
        await anna.page.click("button.main")
        await anna.page.wait_for_selector("h1:has-text('La mia giornata')")
        await anna.go(path)
        assert "non esiste" in await anna.text()


async def test_the_second_of_two_saves_is_not_lost(site: Site, browser: Browser) -> None:
    """The second save is shown the first, with its words kept."""
    await site.receive(WET, judgement("N", "Y"))
    reference = await site.reference()
    await site.ledger.clock.advance(timedelta(minutes=5))
    async with visit(browser, site, "Anna Neri") as anna, visit(browser, site, "Marco Gallo") as marco:
        await anna.go(f"/cases/{reference}")
        await marco.go(f"/cases/{reference}")
        await marco.page.click("text=Lo prendo io")
        await marco.page.wait_for_selector(".good")
        await site.ledger.clock.advance(timedelta(minutes=5))
        await anna.page.fill("#answer-text", "Parole che non vanno perse.")
        await anna.page.click("text=Invia la risposta")
        await anna.page.wait_for_selector(".problem")
        assert "Preso in carico" in await anna.text("#news")
        assert await site.routed.rows(t.outbox, kind="reply") == []
        assert await anna.page.input_value("#answer-text") == "Parole che non vanno perse."
        await anna.page.click("text=Lo prendo io e invio")
        await anna.page.wait_for_selector("text=La sua risposta è in partenza.")
    (reply,) = await site.routed.rows(t.outbox, kind="reply")
    assert reply.payload["text"] == "Parole che non vanno perse."
