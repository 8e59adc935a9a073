"""What people do with cases at the desk on PostgreSQL."""

import pytest

from tests.contract.merging_contract import MergingContract

pytestmark = pytest.mark.postgres


class TestMerging(MergingContract):
    """Mergers on PostgreSQL."""
