"""A backend that is missing skips a test on a laptop and fails it where it was promised."""

import os
from typing import NoReturn

import pytest

PROMISES = "ITACA_TEST_REQUIRE"
"""Comma-separated names of backends that must be there: ``rabbitmq,postgres,chromium,postfix,promtool``."""


def is_promised(backend: str) -> bool:
    """Tell whether this run has promised that the backend is installed."""
    return backend in {name.strip() for name in os.environ.get(PROMISES, "").split(",")}


def require(backend: str, reason: str) -> NoReturn:
    """End the test because the backend is missing: skipped with the reason, or failed where it was promised.

    Args:
        backend: the name as it stands in ``ITACA_TEST_REQUIRE``.
        reason: what to install, naming the Debian package.
    """
    if is_promised(backend):
        pytest.fail(f"{PROMISES} promises {backend}: {reason}", pytrace=False)
    pytest.skip(reason)
