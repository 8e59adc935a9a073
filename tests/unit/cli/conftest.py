"""The command line in an empty folder, and the same with an empty ledger or a small model."""

from tests.support.small_model import models, trained_models
from tests.support.verbs import itaca, ledger

__all__ = ["itaca", "ledger", "models", "trained_models"]
