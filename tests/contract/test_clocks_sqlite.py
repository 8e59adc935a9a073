"""Time, questions and the value of answers on SQLite, in a file."""

from tests.contract.asks_contract import AskContract
from tests.contract.clocks_contract import LegalContract, ParkingContract
from tests.contract.owners_contract import OwnersContract
from tests.contract.values_contract import ValueContract


class TestLegal(LegalContract):
    """Legal terms on SQLite."""


class TestParking(ParkingContract):
    """Parkings on SQLite."""


class TestAsks(AskContract):
    """Questions on SQLite."""


class TestOwners(OwnersContract):
    """The return timer on SQLite."""


class TestValue(ValueContract):
    """The value of answers on SQLite."""
