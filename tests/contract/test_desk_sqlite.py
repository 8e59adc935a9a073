"""The contract of the desk on SQLite, in a file."""

from tests.contract.desk_contract import DeskContract
from tests.contract.door_contract import DoorContract
from tests.contract.identities_contract import IdentitiesContract
from tests.contract.staff_contract import StaffContract


class TestDesk(DeskContract):
    """The desk on SQLite."""


class TestDoor(DoorContract):
    """The door of the desk on SQLite."""


class TestStaff(StaffContract):
    """People and teams on SQLite."""


class TestIdentities(IdentitiesContract):
    """Subjects of providers on SQLite."""
