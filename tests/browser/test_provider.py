"""Signing in by a provider in a real browser: its cookies, its policy, and the way there and back."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from itaca.clock import ManualClock
from tests.support.chromium import visit
from tests.support.desk_site import open_site
from tests.support.ledger import NOW
from tests.support.provider import Provider

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]


async def test_one_click_leads_there_back_and_to_the_page_that_was_wanted(tmp_path: Path, browser: Browser) -> None:
    """Another site sends the browser back; its cookie of the attempt comes along, and no policy stops anything."""
    provider = Provider(ManualClock(NOW))
    await provider.start()
    provider.visitor = ("subject-of-anna", "anna@bottega.example")
    # The desk under a name, the provider under a number: two sites, as in life.
    async with open_site(tmp_path, **provider.known_to_desk("localhost")) as site, visit(browser, site) as anna:
        await anna.page.goto(f"{site.url.replace('127.0.0.1', 'localhost')}/value")
        await anna.page.click("text=Entra con Bottega ID")
        await anna.page.wait_for_url("**/value")
        assert "Anna Neri" in await anna.text("header")
        await anna.page.click(".me summary")
        await anna.page.click("text=Esci")
        await anna.page.wait_for_selector("text=Qui è uscito.")
        assert anna.complaints == []
    await provider.close()
