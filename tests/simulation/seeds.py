"""Many seeds on several processors: chunks of seeds go out, failures come back."""

import gc
import multiprocessing
from collections.abc import Iterator, Sequence

from tests.simulation.run import Outcome, loud, quiet, run_seed

CHUNK = 10
COLLECTED_EVERY = 50
"""Seeds after which garbage is collected: what one leaves behind is small, and looking for it takes a while."""


def prepare() -> None:
    """Make a process ready: no logs, and no collection of garbage in the middle of a run."""
    quiet()
    run_seed(0)
    gc.collect()
    gc.freeze()
    gc.disable()


def release() -> None:
    """Give the process back to whoever else runs in it."""
    gc.unfreeze()
    gc.enable()
    loud()


def run_chunk(seeds: Sequence[int]) -> tuple[int, list[Outcome]]:
    """Run these seeds; return how many there were and those that failed."""
    outcomes = []
    for seed in seeds:
        outcomes.append(run_seed(seed))
        if seed % COLLECTED_EVERY == 0:
            gc.collect()
    return len(outcomes), [outcome for outcome in outcomes if outcome.problems]


def run_many(first: int, count: int, jobs: int) -> Iterator[tuple[int, list[Outcome]]]:
    """Run ``count`` seeds from ``first`` on; yield after each chunk, in any order."""
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    if jobs == 1:
        prepare()
        try:
            yield from map(run_chunk, chunks)
        finally:
            release()
        return
    with multiprocessing.get_context("fork").Pool(jobs, initializer=prepare) as pool:
        yield from pool.imap_unordered(run_chunk, chunks)
