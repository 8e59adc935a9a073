"""The fixtures that every kind of test may ask for.

Tests run in several processes at once (`pytest -n 4`, see tests/support/lanes.py), so a test keeps to folders and
ports of its own: ``tmp_path``, and ``tests.support.ports.free_port`` where a port is named before somebody binds it.
"""

import gc
import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# Read by the numerical libraries when they are loaded. A thread for each core means that they wait by spinning:
# on a busy machine the same training costs two and a half times the processor time and ends no sooner.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run; how long one takes, to make or to try, says only how busy the machine is.
# Others are tried with --hypothesis-profile=default, and by the fuzzers; `make check` tries a few (quick).
settings.register_profile("itaca", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("itaca"), max_examples=20)
settings.load_profile("itaca")

pytest_plugins = [
    "tests.support.lanes",
    "tests.support.rabbitmq",
    "tests.support.postgres",
    "tests.support.relay",
    "tests.support.postfix",
]


def pytest_collection_finish() -> None:
    """Let the garbage collector pass by what stays to the end, tests and modules: it took a sixth of the CPU."""
    gc.freeze()


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
