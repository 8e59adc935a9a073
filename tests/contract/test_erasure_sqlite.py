"""Erasure on SQLite, in a file."""

from tests.contract.erasure_contract import ErasureContract
from tests.contract.retention_contract import RetentionContract


class TestErasure(ErasureContract):
    """Erasure on SQLite."""


class TestRetention(RetentionContract):
    """Retention on SQLite."""
