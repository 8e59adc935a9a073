"""The API on a ledger in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api import ApiDesk, open_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiDesk]:
    """Give an API with a token for everything."""
    async with open_api(tmp_path) as made:
        yield made
