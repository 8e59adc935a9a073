"""The register and the history of a customer on SQLite, in a file."""

from pathlib import Path

import pytest

from itaca.storage.migrate import upgrade
from tests.contract.registers_contract import RegisterContract


@pytest.fixture
async def ledger_url(tmp_path: Path) -> str:
    """Give the address of a fresh ledger."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    await upgrade(url)
    return url


class TestRegister(RegisterContract):
    """The register on SQLite."""
