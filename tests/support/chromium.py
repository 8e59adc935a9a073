"""The system's Chromium, driven by tests; missing, the tests skip on a laptop and fail where it was promised."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.desk_site import PASSWORD, Site, address_of
from tests.support.require import require

PATIENCE_MS = 30_000


class Listening(Protocol):
    """A desk that listens somewhere."""

    @property
    def url(self) -> str: ...


@dataclass
class Visit:
    """One browser, signed in as somebody; ``complaints`` collects what its console says went wrong."""

    page: Page
    context: BrowserContext
    site: Site | Listening
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Open a page of the desk."""
        await self.page.goto(self.site.url + path)

    async def sign_in(self, name: str) -> None:
        """Sign in by the form; a name, or an address."""
        await self.go("/sign-in")
        await self.page.fill("input[name=email]", name if "@" in name else address_of(name))
        await self.page.fill("input[name=password]", PASSWORD)
        await self.page.click("button.main")
        await self.page.wait_for_url(lambda url: "/sign-in" not in url)

    async def text(self, selector: str = "main") -> str:
        return " ".join((await self.page.inner_text(selector)).split())


@contextlib.asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """Start the browser."""
    path = shutil.which("chromium")
    if path is None:
        require("chromium", "the system's Chromium drives these tests (Debian: chromium)")
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = await playwright.chromium.launch(executable_path=path, args=args)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def visit(
    browser: Browser,
    site: Site | Listening,
    name: str = "",
    *,
    language: str = "it-IT",
    is_phone: bool = False,
    has_javascript: bool = True,
    is_dark: bool = False,
) -> AsyncIterator[Visit]:
    """Open a browser window for one person, signed in unless the name is empty."""
    context = await browser.new_context(
        locale=language,
        viewport={"width": 360, "height": 740} if is_phone else {"width": 1280, "height": 900},
        java_script_enabled=has_javascript,
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = await context.new_page()
        one = Visit(page, context, site)
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        page.on("console", lambda said: one.complaints.append(said.text) if said.type == "error" else None)
        if name:
            await one.sign_in(name)
        yield one
    finally:
        await context.close()
