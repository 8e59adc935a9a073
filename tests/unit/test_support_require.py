"""A missing backend: skipped on a laptop, failed where it was promised."""

import pytest

from tests.support.require import PROMISES, require


def test_a_missing_backend_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a promise the test is skipped and says what to install."""
    monkeypatch.setenv(PROMISES, "postgres")

    with pytest.raises(pytest.skip.Exception, match="install rabbitmq-server"):
        require("rabbitmq", "install rabbitmq-server")


def test_a_promised_backend_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the run has promised the backend, its absence is a failure."""
    monkeypatch.setenv(PROMISES, "postgres, rabbitmq")

    with pytest.raises(pytest.fail.Exception, match="promises rabbitmq"):
        require("rabbitmq", "install rabbitmq-server")
