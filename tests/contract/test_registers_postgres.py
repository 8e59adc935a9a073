"""The register and the history of a customer on PostgreSQL."""

import pytest

from tests.contract.registers_contract import CustomerContract, RegisterContract

pytestmark = pytest.mark.postgres


class TestRegister(RegisterContract):
    """The register on PostgreSQL."""


class TestCustomer(CustomerContract):
    """The history of a customer on PostgreSQL."""
