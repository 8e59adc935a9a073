"""The contract with other systems on PostgreSQL."""

import pytest

from tests.contract.activities_contract import ActivityContract, StatedContract, SuppressionContract
from tests.contract.cancellations_contract import EffectContract
from tests.contract.systems_contract import SystemsContract
from tests.contract.telling_contract import TellingContract

pytestmark = pytest.mark.postgres


class TestEffect(EffectContract):
    """Effects of cancellations on PostgreSQL."""


class TestActivity(ActivityContract):
    """Reports of other systems on PostgreSQL."""


class TestSuppression(SuppressionContract):
    """Suppressions on PostgreSQL."""


class TestStated(StatedContract):
    """Cancellations dated by their protests on PostgreSQL."""


class TestSystems(SystemsContract):
    """Other systems on PostgreSQL."""


class TestTelling(TellingContract):
    """What others are told, on PostgreSQL."""
