"""One small model for all tests of the classifier, trained once."""

from tests.support.small_model import models, trained_models

__all__ = ["models", "trained_models"]
