"""What people do with cases at the desk on SQLite, in a file."""

from tests.contract.merging_contract import MergingContract


class TestMerging(MergingContract):
    """Mergers on SQLite."""
