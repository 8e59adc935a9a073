"""The register and the history of a customer on SQLite, in a file."""

from tests.contract.registers_contract import CustomerContract, RegisterContract, ValuePageContract


class TestRegister(RegisterContract):
    """The register on SQLite."""


class TestCustomer(CustomerContract):
    """The history of a customer on SQLite."""


class TestValuePage(ValuePageContract):
    """The page of values on SQLite."""
