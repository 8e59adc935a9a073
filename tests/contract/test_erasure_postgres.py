"""Erasure on PostgreSQL."""

import pytest

from tests.contract.erasure_contract import ErasureContract

pytestmark = pytest.mark.postgres


class TestErasure(ErasureContract):
    """Erasure on PostgreSQL."""
