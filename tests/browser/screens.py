"""Pictures of every page for ``docs/screens``: ``make screenshots``."""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser

from tests.browser.every_page import Addresses, everything
from tests.support.case_facts import judgement
from tests.support.chromium import Visit, open_chromium, visit
from tests.support.desk_site import Site, letter, open_site

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WHO = "Giulia Ferri"
LOADED = (
    "Promise.all([...document.images].map(one => { one.loading = 'eager'; return one.decode().catch(() => 0); }))"
)
NAMES = {
    "/": "my-day",
    "/cases/{reference}": "case",
    "/customers/{customer_id}": "customer",
    "/people/{person_id}": "person",
    "/teams/{team_id}": "team",
    "/webhooks/{webhook_id}": "webhook",
    "/invite/{secret}": "invite",
    "/receipts/{token}": "receipt",
    "/review?blind=true": "blind-check",
    "/nowhere": "nowhere",
}
"""How pictures are called whose page has no name that does."""
ON_A_PHONE = ("/", "/cases/{reference}", "/review", "/cancellations", "/value")
IN_THE_DARK = ("/cases/{reference}", "/flow")


def name_of(page: str) -> str:
    """Return what the picture of a page is called."""
    words = (word for word in page.split("?")[0].split("/") if word and not word.startswith("{"))
    return NAMES.get(page, "-".join(words))


async def take_all(folder: Path) -> list[Path]:
    """Write the pictures and return their paths; what lay there before is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as data:
        async with open_site(Path(data)) as site, open_chromium() as browser:
            for_guests, inside = await everything(site)
            await _go_on(site)
            seen = {page: path for page, path in inside.items() if "?" not in page or page in NAMES}
            await _take(folder, browser, site, "", for_guests)
            await _take(folder, browser, site, WHO, seen)
            await _take(folder, browser, site, WHO, {page: inside[page] for page in ON_A_PHONE}, "phone")
            await _take(folder, browser, site, WHO, {page: inside[page] for page in IN_THE_DARK}, "dark-english")
    return sorted(folder.glob("*.png"))


async def _go_on(site: Site) -> None:
    """Let an afternoon pass, so that there is something to plot."""
    for hour, count in enumerate((3, 1, 4, 2)):
        await site.ledger.clock.advance(timedelta(hours=1))
        for number in range(count):
            writer = f"cliente{hour}{number}@posta{hour}{number}.example"
            mail = letter("Informazione", f"Quando esce il catalogo numero {hour}{number}?", writer)
            await site.receive(mail, judgement("Y" if number == 2 else "N", "U" if number == 1 else "N"))


async def _take(folder: Path, browser: Browser, site: Site, who: str, pages: Addresses, way: str = "") -> None:
    """Take the pictures of these pages, as one person sees them."""
    is_dark, is_phone = way == "dark-english", way == "phone"
    language = "en-GB" if is_dark else "it-IT"
    async with visit(browser, site, who, language=language, is_dark=is_dark, is_phone=is_phone) as one:
        if not is_phone:
            await one.page.set_viewport_size({"width": 1120, "height": 700})
        for page, path in pages.items():
            await one.go(path)
            name = f"{name_of(page)}-{way}" if way else name_of(page)
            await _picture(one, folder / f"{name}.png")


async def _picture(one: Visit, path: Path) -> None:
    await one.page.evaluate(LOADED)
    await one.page.screenshot(path=path, full_page=True)


def main() -> None:
    """Take the pictures and say how large each is, in bytes."""
    paths = asyncio.run(take_all(FOLDER))
    for path in paths:
        print(f"{path.name}: {path.stat().st_size}")
    print(f"{len(paths)} pictures: {sum(path.stat().st_size for path in paths)}")


if __name__ == "__main__":
    main()
