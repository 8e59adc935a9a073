"""The fixtures that every kind of test may ask for."""

import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = [
    "tests.support.rabbitmq",
    "tests.support.postgres",
    "tests.support.relay",
    "tests.support.postfix",
]


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Undo what a test does to the logs: a process that it started in here set them up for its own standard error."""
    config, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        structlog.configure(**config)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
