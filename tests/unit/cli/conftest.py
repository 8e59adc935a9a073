"""The command line in an empty folder, and the same with an empty ledger."""

from tests.support.verbs import itaca, ledger

__all__ = ["itaca", "ledger"]
