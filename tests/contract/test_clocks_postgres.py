"""Time, questions and the value of answers on PostgreSQL."""

import pytest

from tests.contract.asks_contract import AskContract
from tests.contract.clocks_contract import LegalContract, ParkingContract
from tests.contract.owners_contract import OwnersContract
from tests.contract.values_contract import ValueContract

pytestmark = pytest.mark.postgres


class TestLegal(LegalContract):
    """Legal terms on PostgreSQL."""


class TestParking(ParkingContract):
    """Parkings on PostgreSQL."""


class TestAsks(AskContract):
    """Questions on PostgreSQL."""


class TestOwners(OwnersContract):
    """The return timer on PostgreSQL."""


class TestValue(ValueContract):
    """The value of answers on PostgreSQL."""
