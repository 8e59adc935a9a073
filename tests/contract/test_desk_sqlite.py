"""The contract of the desk on SQLite, in a file."""

from pathlib import Path

import pytest

from itaca.storage.migrate import upgrade
from tests.contract.desk_contract import DeskContract
from tests.contract.door_contract import DoorContract


@pytest.fixture
async def ledger_url(tmp_path: Path) -> str:
    """Give the address of a fresh ledger."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    await upgrade(url)
    return url


class TestDesk(DeskContract):
    """The desk on SQLite."""


class TestDoor(DoorContract):
    """The door of the desk on SQLite."""
