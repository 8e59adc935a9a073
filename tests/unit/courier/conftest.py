"""A receiver of webhooks, and a courier that may reach it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.ledger import open_ledger
from tests.support.receiver import Receiver
from tests.support.routed import Desk
from tests.support.webhook_office import Office


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Give a receiver of webhooks."""
    made = Receiver()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def office(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Office]:
    """Give a courier that may reach this machine."""
    async with open_ledger("sqlite://") as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        yield Office(desk, tmp_path, receiver)
