"""The contract of the desk on SQLite, in a file."""

from tests.contract.desk_contract import DeskContract
from tests.contract.door_contract import DoorContract


class TestDesk(DeskContract):
    """The desk on SQLite."""


class TestDoor(DoorContract):
    """The door of the desk on SQLite."""
