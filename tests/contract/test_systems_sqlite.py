"""The contract with other systems on SQLite, in a file."""

from pathlib import Path

import pytest

from itaca.storage.migrate import upgrade
from tests.contract.cancellations_contract import ActivityContract, EffectContract, SuppressionContract


@pytest.fixture
async def ledger_url(tmp_path: Path) -> str:
    """Give the address of a fresh ledger."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    await upgrade(url)
    return url


class TestEffect(EffectContract):
    """Effects of cancellations on SQLite."""


class TestActivity(ActivityContract):
    """Reports of other systems on SQLite."""


class TestSuppression(SuppressionContract):
    """Suppressions on SQLite."""
