"""Runs seeds: one world each, its invariants, its story."""

import logging
from dataclasses import dataclass, field

import structlog

from tests.simulation.forgetting import Forgetting
from tests.simulation.invariants import check
from tests.simulation.loop import DeadlockError
from tests.simulation.story import ledger_digest, story_of
from tests.simulation.world import World


@dataclass(frozen=True)
class Outcome:
    """What one seed gave; ``digest`` is the same for the same seed and code."""

    seed: int
    problems: list[str]
    digest: str = ""
    story: list[str] = field(default_factory=list)


def quiet() -> None:
    """Write no logs: a run writes thousands."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def loud() -> None:
    """Write logs again."""
    logging.disable(logging.NOTSET)
    structlog.reset_defaults()


def run_seed(seed: int, *, tells: bool = False) -> Outcome:
    """Play one seed and check it; ``tells`` adds digest and story."""
    world = World(seed)
    try:
        forgetting = Forgetting(world, seed)
        forgetting.begin()
        try:
            world.loop.run(world.play())
        except DeadlockError as error:
            world.problems.append(f"STUCK: {error}")
        problems = check(world) or forgetting.end()
        if not tells:
            return Outcome(seed, problems)
        return Outcome(seed, problems, f"{world.log.digest()}-{ledger_digest(world)}", story_of(world, problems))
    finally:
        world.loop.close()
