"""The contract of routing on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.following_contract import DeparturesContract, PromisesContract
from tests.contract.joining_contract import CourtesyContract, WhoIsWhoContract
from tests.contract.routing_contract import RoutingContract
from tests.support.ledger import open_ledger
from tests.support.routed import Desk

pytestmark = pytest.mark.postgres


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """Give a router with a ledger of its own."""
    async with open_ledger(postgres_url) as ledger:
        yield Desk(ledger)


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[Desk]:
    """Give a second router on the same ledger."""
    async with open_ledger(postgres_url, seed=8) as ledger:
        yield Desk(ledger)


class TestRouting(RoutingContract):
    """Routing on PostgreSQL."""


class TestWhoIsWho(WhoIsWhoContract):
    """Who may join what on PostgreSQL."""


class TestCourtesy(CourtesyContract):
    """Answers and cancellations on PostgreSQL."""


class TestPromises(PromisesContract):
    """Promises on PostgreSQL."""


class TestDepartures(DeparturesContract):
    """What left, on PostgreSQL."""
