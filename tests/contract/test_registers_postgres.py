"""The register and the history of a customer on PostgreSQL."""

import pytest

from tests.contract.registers_contract import CustomerContract, RegisterContract, ValuePageContract

pytestmark = pytest.mark.postgres


class TestRegister(RegisterContract):
    """The register on PostgreSQL."""


class TestCustomer(CustomerContract):
    """The history of a customer on PostgreSQL."""


class TestValuePage(ValuePageContract):
    """The page of values on PostgreSQL."""
