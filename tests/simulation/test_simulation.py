"""As many seeds as fit in the time given; and a simulation that cannot fail would prove nothing."""

import os
import re
import time
from datetime import UTC, datetime

import pytest

from tests.simulation.invariants import check
from tests.simulation.planting import ROOT, patches, plant
from tests.simulation.run import run_seed
from tests.simulation.seeds import prepare, release
from tests.simulation.world import World

SECONDS = float(os.environ.get("ITACA_SIMULATE_SECONDS", "20"))
SEEDS_A_DAY = 100_000


@pytest.mark.slow
def test_nothing_is_lost_whatever_happens() -> None:
    """Every invariant holds in as many runs as fit in the time; each day has seeds of its own."""
    seed = first = (datetime.now(UTC).date() - datetime(2026, 1, 1).date()).days * SEEDS_A_DAY
    prepare()
    began = time.monotonic()
    try:
        while seed == first or time.monotonic() - began < SECONDS:
            outcome = run_seed(seed)
            assert outcome.problems == [], f"python -m tests.simulation --seed {seed} tells the story"
            seed += 1
    finally:
        release()
    assert seed > first


@pytest.mark.parametrize("seed", [18, 25, 84, 503])
def test_a_seed_replays_exactly(seed: int) -> None:
    """The same seed gives the same steps and the same ledger, so that a failure can be looked at."""
    first, again = run_seed(seed, tells=True), run_seed(seed, tells=True)
    assert first.problems == []
    assert first.digest == again.digest
    assert any("commits" in line for line in first.story)


SABOTAGE = {
    "OUTBOX": "UPDATE outbox SET state = 'pending', ended_at = NULL",
    "HISTORY": "INSERT INTO case_events SELECT 'x', case_id, at, 'handed', 'x', NULL, '{}' FROM case_events LIMIT 1",
    "TWICE": "DELETE FROM interactions WHERE direction = 'in'",
    "OUTCOME": "DELETE FROM case_mails",
    "HIDDEN": "UPDATE case_mails SET role = 'related'",
    "LEVEL": "UPDATE cases SET level = level + 1",
    "DATE": "UPDATE promises SET due_at = due_at + 3600000000 WHERE state = 'open'",
    "OWED": "DELETE FROM promises",
    "HANDOFF": "DELETE FROM outbox WHERE kind LIKE '%handoff' AND id NOT IN (SELECT outbox_id FROM acknowledgements)",
}


@pytest.mark.parametrize("rule", SABOTAGE)
def test_every_rule_can_fail(rule: str) -> None:
    """A ledger that was tampered with is found out by the rule that is there for it."""
    world = World(9)
    try:
        world.loop.run(world.play())
        assert check(world) == []
        world.disk.sql.execute("PRAGMA defer_foreign_keys = ON")
        world.disk.sql.execute(SABOTAGE[rule])
        assert {problem.partition(":")[0] for problem in check(world)} >= {rule}
    finally:
        world.loop.close()


def test_at_least_sixteen_bugs_are_planted() -> None:
    """Fewer would say little about the simulation."""
    assert len(patches()) >= 16


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.stem)
def test_every_planted_bug_still_applies(patch, tmp_path) -> None:
    """A patch that no longer fits its place plants nothing: make it anew."""
    plant(patch, tmp_path)
    changed = re.findall(r"^\+\+\+ b/(\S+)$", patch.read_text(), re.MULTILINE)
    assert changed
    assert [name for name in changed if (tmp_path / name).read_text() == (ROOT / name).read_text()] == []
