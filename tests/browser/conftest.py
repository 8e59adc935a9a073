"""A desk that listens for each test, and for each module one browser that visits them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from tests.support.chromium import open_chromium
from tests.support.desk_site import Site, open_site


@pytest_asyncio.fixture(loop_scope="module")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a desk that listens, with people who can sign in."""
    async with open_site(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give the system's Chromium."""
    async with open_chromium() as opened:
        yield opened
