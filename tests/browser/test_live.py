"""Whoever has a page open sees what changes, and who else is there; nothing moves under their hands."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from itaca.storage import tables as t
from itaca.storage.case_acts import Act, take
from itaca.storage.desk_case import case_head
from tests.browser.scenes import WET, to_decide
from tests.support.case_facts import judgement
from tests.support.chromium import visit
from tests.support.desk_site import Site, open_site
from tests.support.waiting import until

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]


async def taken(site: Site, name: str, reference: str) -> None:
    """Let somebody take a case, at another desk."""
    head = await site.ledger.database.read(lambda c: case_head(c, reference))
    assert head is not None
    act = Act(head.id, site.people[name].id, head.version, site.ledger.clock.now(), site.ledger.rng)
    await site.ledger.database.write(lambda c: take(c, act))


async def test_two_people_on_one_case_see_each_other_and_what_happens(site: Site, browser: Browser) -> None:
    """One comes, acts and goes; the other hears of each without a key, and the words begun stay where they are."""
    await site.receive(WET, judgement("N", "Y"))
    path = f"/cases/{await site.reference()}"
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go(path)
        await anna.page.fill("#answer-text", "Parole cominciate.")
        async with visit(browser, site, "Marco Gallo") as marco:
            await marco.go(path)
            assert "Anna Neri sta guardando" in await marco.text("#news")
            await anna.page.wait_for_selector("#news >> text=Marco Gallo sta guardando")
            await site.ledger.clock.advance(timedelta(minutes=1))
            await marco.page.click("text=Lo prendo io")
            await anna.page.wait_for_selector("#news >> text=Preso in carico")
            assert await anna.page.evaluate("document.activeElement.id") == "answer-text"
            assert await anna.page.input_value("#answer-text") == "Parole cominciate."
            await marco.go("/cases")
            await anna.page.wait_for_selector("#news:not(:has-text('sta guardando'))")
        assert anna.complaints == []


async def test_my_day_and_the_review_fill_by_themselves(site: Site, browser: Browser) -> None:
    """A case that comes stands there at once; under a key that is being used nothing moves, a line says so."""
    async with visit(browser, site, "Anna Neri") as anna, visit(browser, site, "Anna Neri") as other:
        assert "Ben fatto" in await anna.text()
        await other.go("/review")
        await other.page.wait_for_selector(".calm")
        await site.receive(WET, judgement("N", "Y"))
        await to_decide(site, 1)
        await anna.page.wait_for_selector(".line >> text=Nadia Testa")
        await other.page.wait_for_selector("text=rivista numero 1")
        await anna.page.focus(".line a.whole")
        await taken(site, "Marco Gallo", await site.reference())
        await to_decide(site, 1)
        await anna.page.wait_for_selector("text=Su questa pagina è cambiato qualcosa.")
        assert await anna.page.locator(".line >> text=Nadia Testa").count() == 1
        await anna.page.click("#changed a")
        await anna.page.wait_for_selector("text=Ben fatto")
        assert anna.complaints == []


async def test_without_streams_a_page_asks_by_itself(site: Site, browser: Browser) -> None:
    """A proxy that knows no streams costs seconds, nothing else."""
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.page.clock.install()
        await anna.page.route("**/live?*", lambda route: route.fulfill(status=204))
        await anna.go("/")
        assert "Ben fatto" in await anna.text()
        await site.receive(WET, judgement("N", "Y"))

        async def is_there() -> bool:
            await anna.page.clock.run_for(16_000)
            return await anna.page.locator(".line >> text=Nadia Testa").count() == 1

        await until(is_there, "the page asked by itself")


async def test_the_desk_stops_while_pages_are_open(browser: Browser, tmp_path: Path) -> None:
    """Streams end first: no task is left, and nobody is said to look any more."""
    async with open_site(tmp_path) as site:
        live = site.stage.app.state.desk.live
        await site.receive(WET, judgement("N", "Y"))
        reference = await site.reference()
        async with visit(browser, site, "Anna Neri") as anna, visit(browser, site, "Giulia Ferri") as giulia:
            for one in (anna, giulia):
                await one.go(f"/cases/{reference}")
            await until(lambda: live.count == 2, "both pages listen")
            await site.stop()
            assert (live.count, live.is_watching) == (0, False)
            assert await site.count(t.lookers) == 0
            assert [task for task in asyncio.all_tasks() if "LiveStream" in repr(task.get_coro())] == []


async def test_a_session_has_few_streams_and_none_after_it_ended(site: Site, browser: Browser) -> None:
    """Connections are left to work with; who signs out, or is signed out by the clock, hears nothing more."""
    live = site.stage.app.state.desk.live
    async with visit(browser, site, "Anna Neri") as anna:
        pages = [await anna.context.new_page() for _ in range(5)]
        for page in pages:
            await page.goto(f"{site.url}/flow")
        await until(lambda: live.count == 4, "four streams")
        assert "Flusso" in await pages[-1].inner_text("h1")
        await site.ledger.clock.advance(timedelta(hours=13))
        await until(lambda: live.count == 0, "no stream is left")
    await until(lambda: not live.is_watching, "nothing to look for")


async def test_whose_session_ends_is_told_before_they_write_on(site: Site, browser: Browser) -> None:
    """The page stays as it is, with the words begun, and says that they should be copied."""
    await site.receive(WET, judgement("N", "Y"))
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go(f"/cases/{await site.reference()}")
        await anna.page.fill("#answer-text", "Parole cominciate.")
        await site.ledger.clock.advance(timedelta(hours=13))
        await anna.page.evaluate("window.dispatchEvent(new Event('focus'))")
        await anna.page.wait_for_selector("#signed-out >> text=La sessione è scaduta")
        assert await anna.page.input_value("#answer-text") == "Parole cominciate."


async def test_what_does_not_arrive_is_said_and_what_arrives_has_the_keyboard(site: Site, browser: Browser) -> None:
    """A button that seems to do nothing is pressed again and again; the words stay until it works."""
    await site.receive(WET, judgement("N", "Y"))
    async with visit(browser, site, "Anna Neri") as anna:
        await anna.go(f"/cases/{await site.reference()}")
        await anna.page.fill("#answer-text", "Parole cominciate.")
        await anna.context.set_offline(True)
        await anna.page.click("text=Invia la risposta")
        await anna.page.wait_for_selector("#unreached >> text=Itaca non risponde")
        assert await anna.page.input_value("#answer-text") == "Parole cominciate."
        await anna.context.set_offline(False)
        await anna.page.click("text=Invia la risposta")
        await anna.page.wait_for_selector("text=La sua risposta è in partenza.")
        await anna.page.wait_for_function("document.activeElement.id === 'main'")
