"""How `pytest -n` shares the tests out: a file is a lane, a lane stays together, the longest start first.

Every worker is a process with servers of its own, started when its first test asks for one. A new file needs no mark:
it is a lane by itself. Name it below when it takes more than half a minute, or to let it share what others started.
"""

from zlib import crc32

import pytest

LANES = {
    "tests/simulation/test_simulation.py::test_nothing_is_lost_whatever_happens": "simulation",
    "tests/unit/classifier/": "classifier",
    "tests/unit/cli/test_models_and_labels.py": "classifier",
    "tests/architecture/": "architecture",
    "tests/contract/test_broker_amqp.py": "rabbitmq",
    "tests/integration/test_rabbitmq_": "rabbitmq",
}
"""Beginnings of names of tests, the most exact first, and the lane they share."""

TORN = {"tests/fault/test_faults.py": 2}
"""Files that take so long that their tests are dealt to several lanes, and to how many."""

LONGEST_FIRST = (
    "simulation",
    "tests/e2e/test_retraining.py",
    "tests/fault/",
    "tests/e2e/",
    "rabbitmq",
    "classifier",
    "architecture",
    "tests/unit/test_readers.py",
    "tests/unit/ingest/",
    "tests/unit/cli/",
    "tests/simulation/",
    "tests/browser/",
    "tests/api/",
    "tests/model/",
    "tests/integration/",
    "tests/contract/",
)
"""Beginnings of names of lanes; what is not named comes after them."""


def lane_of(nodeid: str) -> str:
    """Return the name of the lane of a test; all tests of a lane run one after another in one process."""
    for beginning, lane in LANES.items():
        if nodeid.startswith(beginning):
            return lane
    file = nodeid.partition("::")[0]
    return f"{file} {crc32(nodeid.encode()) % TORN[file]}" if file in TORN else file


def rank_of(nodeid: str) -> int:
    """Return the place of a test's lane among the others: the lower, the earlier it starts."""
    lane = lane_of(nodeid)
    ranks = (rank for rank, beginning in enumerate(LONGEST_FIRST) if lane.startswith(beginning))
    return next(ranks, len(LONGEST_FIRST))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, put the tests of the longest lanes first; alone, leave the order as it is."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Share out by lanes, unless another --dist was asked for."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return lane_of(nodeid)

        def schedule(self) -> None:
            """Keep the order of collection, where the longest lanes come first."""
            self.config.option.loadscopereorder = False
            super().schedule()

    return Lanes(config, log)  # type: ignore[arg-type]
