"""Erasure on SQLite, in a file."""

from tests.contract.erasure_contract import ErasureContract


class TestErasure(ErasureContract):
    """Erasure on SQLite."""
