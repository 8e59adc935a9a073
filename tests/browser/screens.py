"""Pictures of every page for ``docs/screens``: ``make screenshots``."""

import asyncio
import tempfile
from pathlib import Path

from tests.browser.scenes import play
from tests.support.chromium import open_chromium, visit
from tests.support.desk_site import open_site

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WHO = "Giulia Ferri"
LOADED = (
    "Promise.all([...document.images].map(one => { one.loading = 'eager'; return one.decode().catch(() => 0); }))"
)


async def take_all(folder: Path) -> list[Path]:
    """Write the pictures and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        async with open_site(Path(data)) as site, open_chromium() as browser:
            refs = await play(site)
            pages = {
                "my-day": "/",
                "cases": "/cases",
                "case": f"/cases/{refs['roban']}",
                "case-with-evidence": f"/cases/{refs['dario']}",
                "review": "/review",
                "blind-check": "/review?blind=true",
                "flow": "/flow",
                "people": "/people",
            }
            async with visit(browser, site) as guest:
                await guest.go("/sign-in")
                await guest.page.screenshot(path=folder / "sign-in.png")
            async with visit(browser, site, WHO) as one:
                for name, path in pages.items():
                    await one.go(path)
                    await one.page.evaluate(LOADED)
                    await one.page.screenshot(path=folder / f"{name}.png", full_page=True)
            async with visit(browser, site, WHO, language="en-GB", is_dark=True) as dark:
                await dark.go(pages["case"])
                await dark.page.screenshot(path=folder / "case-dark-english.png", full_page=True)
            async with visit(browser, site, WHO, is_phone=True) as phone:
                for name in ("my-day", "case", "review"):
                    await phone.go(pages[name])
                    await phone.page.screenshot(path=folder / f"{name}-phone.png", full_page=True)
    return sorted(folder.glob("*.png"))


def main() -> None:
    """Take the pictures and say how large each is, in bytes."""
    for path in asyncio.run(take_all(FOLDER)):
        print(f"{path.name}: {path.stat().st_size}")


if __name__ == "__main__":
    main()
