"""Every page for everybody: no serious violation of accessibility, no overflow, no script needed."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from itaca.storage import tables as t
from tests.browser.every_page import everything
from tests.browser.scenes import play, to_decide
from tests.support.case_facts import judgement
from tests.support.chromium import Visit, visit
from tests.support.desk_site import Site, letter

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
OPEN = "document.querySelectorAll('main details').forEach(one => { one.open = !one.querySelector('iframe'); })"
EVERYTHING = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
COLOURS = {"runOnly": ["color-contrast", "html-has-lang"]}
"""What the dark may break that the light does not."""


async def serious(one: Visit, rules: dict[str, list[str]]) -> list[str]:
    """Return what axe-core finds serious on the page as it stands, opened wherever it can be opened."""
    await one.page.evaluate(OPEN)
    found = await Axe().run(one.page, options=rules)
    return [
        f"{one.page.url}: {violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(
    ("language", "is_dark", "is_phone"), [("it-IT", False, True), ("en-GB", True, False)], ids=["phone", "dark"]
)
async def test_no_page_shuts_anybody_out(
    site: Site, browser: Browser, language: str, is_dark: bool, is_phone: bool
) -> None:
    """axe-core finds nothing serious on any page, on a phone and at a desk, light and dark; none is too wide."""
    for_guests, inside = await everything(site)
    found: list[str] = []
    for name, paths in (("", for_guests), ("Giulia Ferri", inside)):
        async with visit(browser, site, name, language=language, is_dark=is_dark, is_phone=is_phone) as one:
            for path in paths.values():
                await one.go(path)
                found += await serious(one, COLOURS if is_dark else EVERYTHING)
                width = await one.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                found += [f"{path}: too wide by {width}"] if width > 0 else []
            assert [said for said in one.complaints if "404" not in said] == []
    assert "\n".join(found) == ""


async def test_on_a_phone_an_answer_can_be_sent(site: Site, browser: Browser) -> None:
    """At 360 pixels the work can be done."""
    refs = await play(site)
    async with visit(browser, site, "Giulia Ferri", is_phone=True) as giulia:
        await giulia.page.click(".line a.whole")
        await giulia.go(f"/cases/{refs['roban']}")
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
