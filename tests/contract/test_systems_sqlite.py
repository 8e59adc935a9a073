"""The contract with other systems on SQLite, in a file."""

from tests.contract.activities_contract import ActivityContract, StatedContract, SuppressionContract
from tests.contract.cancellations_contract import EffectContract
from tests.contract.systems_contract import SystemsContract
from tests.contract.telling_contract import TellingContract


class TestEffect(EffectContract):
    """Effects of cancellations on SQLite."""


class TestActivity(ActivityContract):
    """Reports of other systems on SQLite."""


class TestSuppression(SuppressionContract):
    """Suppressions on SQLite."""


class TestStated(StatedContract):
    """Cancellations dated by their protests on SQLite."""


class TestSystems(SystemsContract):
    """Other systems on SQLite."""


class TestTelling(TellingContract):
    """What others are told, on SQLite."""
