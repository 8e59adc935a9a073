"""The contract of long lists on SQLite, in a file."""

from tests.contract.lists_contract import ListsContract


class TestLists(ListsContract):
    """Long lists on SQLite."""
