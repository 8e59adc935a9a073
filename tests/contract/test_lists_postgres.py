"""The contract of long lists on PostgreSQL."""

import pytest

from tests.contract.lists_contract import ListsContract

pytestmark = pytest.mark.postgres


class TestLists(ListsContract):
    """Long lists on PostgreSQL."""
