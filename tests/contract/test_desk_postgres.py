"""The contract of the desk on PostgreSQL."""

import pytest

from tests.contract.desk_contract import DeskContract
from tests.contract.door_contract import DoorContract
from tests.contract.identities_contract import IdentitiesContract
from tests.contract.staff_contract import StaffContract

pytestmark = pytest.mark.postgres


class TestDesk(DeskContract):
    """The desk on PostgreSQL."""


class TestDoor(DoorContract):
    """The door of the desk on PostgreSQL."""


class TestStaff(StaffContract):
    """People and teams on PostgreSQL."""


class TestIdentities(IdentitiesContract):
    """Subjects of providers on PostgreSQL."""
