"""A desk that listens for each test, and a browser without a screen that visits it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from itaca.clock import ManualClock
from tests.support.desk_site import Site, open_site
from tests.support.ledger import NOW
from tests.support.provider import Provider


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a desk that listens, with somebody of each role."""
    async with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
async def web(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Give a browser without a session."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        yield client


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """Give a provider that listens, whose clock stands where the desk's does."""
    made = Provider(ManualClock(NOW))
    await made.start()
    yield made
    await made.close()
