"""Every page for everybody: no serious violation of accessibility, no overflow, no script needed."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from itaca.storage import tables as t
from tests.browser.scenes import play, to_decide
from tests.support.case_facts import judgement
from tests.support.chromium import Visit, visit
from tests.support.desk_site import Site, letter

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
OPEN = "document.querySelectorAll('main details').forEach(one => { one.open = !one.querySelector('iframe'); })"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


async def paths(site: Site) -> list[str]:
    """Return the address of every page, with something on each."""
    refs = await play(site)
    cases = [f"/cases/{reference}" for reference in refs.values()]
    return ["/", "/cases", "/cases?q=nobody", *cases, "/review", "/review?blind=true", "/flow", "/people", "/nowhere"]


async def serious(one: Visit) -> list[str]:
    """Return what axe-core finds serious on the page as it stands, opened wherever it can be opened."""
    await one.page.evaluate(
        "document.querySelectorAll('main details').forEach(d => d.open = !d.querySelector('iframe'))"
    )
    found = await Axe().run(one.page, options=RULES)
    return [
        f"{one.page.url}: {violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("language", "is_dark"), [("it-IT", False), ("en-GB", True)])
async def test_no_page_shuts_anybody_out(site: Site, browser: Browser, language: str, is_dark: bool) -> None:
    """axe-core finds no serious violation on any page, light or dark, Italian or English."""
    found: list[str] = []
    async with visit(browser, site, language=language, is_dark=is_dark) as guest:
        await guest.go("/sign-in")
        found += await serious(guest)
    async with visit(browser, site, "Giulia Ferri", language=language, is_dark=is_dark) as giulia:
        for path in await paths(site):
            await giulia.go(path)
            found += await serious(giulia)
    assert found == []


async def test_on_a_phone_everything_fits_and_an_answer_can_be_sent(site: Site, browser: Browser) -> None:
    """At 360 pixels nothing is wider than the screen, and the work can be done."""
    everywhere = await paths(site)
    async with visit(browser, site, "Giulia Ferri", is_phone=True) as giulia:
        for path in everywhere:
            await giulia.go(path)
            await giulia.page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
            width = await giulia.page.evaluate("document.documentElement.scrollWidth")
            assert (path, width) == (path, 360)
        await giulia.go(everywhere[3])
        await giulia.page.fill("#answer-text", "Arrivano domani.")
        await giulia.page.click("text=Invia la risposta")
        await giulia.page.wait_for_selector("text=La sua risposta è in partenza.")
    assert len(await site.routed.rows(t.outbox, kind="reply")) == 1


async def test_without_scripts_one_reads_answers_decides_and_signs_out(site: Site, browser: Browser) -> None:
    """Scripts only make it quicker."""
    await to_decide(site, 1)
    mail = letter("Pacco", "Il pacco era aperto e bagnato.", "nadia@posta.example", "Nadia Testa")
    await site.receive(mail, judgement("N", "Y"))
    reference = await site.reference()
    await site.ledger.clock.advance(timedelta(minutes=5))
    async with visit(browser, site, "Anna Neri", has_javascript=False) as anna:
        await anna.page.click("a.whole")
        assert "aperto e bagnato" in await anna.text()
        await anna.page.click("noscript summary")
        assert "Ci scusiamo" in await anna.text("noscript")
        await anna.page.fill("#answer-text", "Ne spediamo un altro oggi.")
        await anna.page.click("text=Invia la risposta")
        assert "La sua risposta è in partenza." in await anna.text()
        await anna.go("/review")
        await anna.page.check("input[value=cancellation]")
        await anna.page.click("button.main")
        assert "Fatto" in await anna.text(".good")
        await anna.page.click(".me summary")
        await anna.page.click("text=English")
        assert "My day" in await anna.text("nav")
        await anna.page.click(".me summary")
        await anna.page.click("text=Sign out")
        assert anna.page.url.endswith("/sign-in")
        await anna.go(f"/cases/{reference}")
        assert "/sign-in?next=" in anna.page.url
    assert len(await site.routed.rows(t.outbox, kind="reply")) == 1
