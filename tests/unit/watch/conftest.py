"""A ledger in memory with an agent, for the watch."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ledger import open_ledger
from tests.support.routed import Desk
from tests.support.watched import Watch


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a ledger with an agent and a lead."""
    async with open_ledger("sqlite://") as ledger:
        made = Desk(ledger)
        await made.staff("agent", "lead")
        yield made


@pytest.fixture
def watch(desk: Desk) -> Watch:
    """Give a watch on that ledger."""
    return Watch(desk)
