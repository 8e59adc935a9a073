"""Routers on the ledger at ``ledger_url``, which each module gives for its database."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ledger import open_ledger
from tests.support.routed import Desk


@pytest.fixture
async def desk(ledger_url: str) -> AsyncIterator[Desk]:
    """Give a router with a ledger of its own."""
    async with open_ledger(ledger_url) as ledger:
        yield Desk(ledger)


@pytest.fixture
async def other(ledger_url: str) -> AsyncIterator[Desk]:
    """Give a second router on the same ledger."""
    async with open_ledger(ledger_url, seed=8) as ledger:
        yield Desk(ledger)
