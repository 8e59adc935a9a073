"""A receiver of webhooks, and a courier that may reach it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.receiver import Receiver
from tests.support.webhook_office import Office, open_office


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
    async with open_office(tmp_path, receiver) as opened:
        yield opened
