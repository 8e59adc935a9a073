"""Erasure on PostgreSQL."""

import pytest

from tests.contract.erasure_contract import ErasureContract
from tests.contract.retention_contract import RetentionContract

pytestmark = pytest.mark.postgres


class TestErasure(ErasureContract):
    """Erasure on PostgreSQL."""


class TestRetention(RetentionContract):
    """Retention on PostgreSQL."""
