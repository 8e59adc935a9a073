"""One small model for all tests of the classifier, trained once."""

import shutil
from pathlib import Path

import pytest

from tests.support.small_model import small_model


@pytest.fixture(scope="session")
def trained_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small promoted model; not to be changed."""
    return small_model(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def models(trained_models: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may break."""
    return Path(shutil.copytree(trained_models, tmp_path / "models"))
