"""Time, questions and the value of answers on SQLite, in memory."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.clocks_contract import AskContract, LegalContract, ParkingContract
from tests.support.ledger import open_ledger
from tests.support.routed import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a router with a ledger of its own."""
    async with open_ledger("sqlite://") as ledger:
        yield Desk(ledger)


class TestLegal(LegalContract):
    """Legal terms on SQLite."""


class TestParking(ParkingContract):
    """Parkings on SQLite."""


class TestAsks(AskContract):
    """Questions on SQLite."""
