"""The contract of routing on SQLite, in a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from itaca.storage.migrate import upgrade
from tests.contract.following_contract import DeparturesContract, PromisesContract
from tests.contract.joining_contract import CourtesyContract, WhoIsWhoContract
from tests.contract.routing_contract import RoutingContract
from tests.support.ledger import open_ledger
from tests.support.routed import Desk


@pytest.fixture
async def ledger_url(tmp_path: Path) -> str:
    """Give the address of a fresh ledger."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    await upgrade(url)
    return url


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


class TestRouting(RoutingContract):
    """Routing on SQLite."""


class TestWhoIsWho(WhoIsWhoContract):
    """Who may join what on SQLite."""


class TestCourtesy(CourtesyContract):
    """Answers and cancellations on SQLite."""


class TestPromises(PromisesContract):
    """Promises on SQLite."""


class TestDepartures(DeparturesContract):
    """What left, on SQLite."""
