"""``python -m tests.simulation``: run seeds with a progress line, or replay one with its story.

``--seeds N [--first N] [--jobs N]`` runs many; exit 1 if one fails. ``--seed N`` tells the story of one.
"""

import argparse
import os
import sys
import time

from tests.simulation.run import Outcome, quiet, run_seed
from tests.simulation.seeds import CHUNK, run_many


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="simulate", description="Try to lose a mail.")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many runs")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--stop-after", type=int, default=0, help="stop after so many failures; default: never")
    parser.add_argument("--seed", type=int, help="replay this one and tell its story")
    wanted = parser.parse_args()
    if wanted.seed is not None:
        return _replay(wanted.seed)
    return _run(wanted.first, wanted.seeds, wanted.jobs, wanted.stop_after)


def _run(first: int, count: int, jobs: int, stop_after: int) -> int:
    failed: list[Outcome] = []
    done, began = 0, time.monotonic()
    for ran, failures in run_many(first, count, jobs):
        done += ran
        failed += failures
        _clear()
        for failure in failures:
            print(f"seed {failure.seed} fails: {failure.problems[0]}")
        _show(done, count, time.monotonic() - began, len(failed))
        if 0 < stop_after <= len(failed):
            break
    _clear()
    speed = done / (time.monotonic() - began)
    print(f"{done} seeds from {first} on, {speed:.1f} seeds a second, {len(failed)} failed")
    if failed:
        print("replay: python -m tests.simulation --seed", min(one.seed for one in failed))
    return 1 if failed else 0


def _show(done: int, count: int, seconds: float, failed: int) -> None:
    """Keep one line up to date on a terminal; elsewhere write a line at each tenth of the way."""
    line = f"{done}/{count} seeds, {done / max(seconds, 1e-9):.1f} a second, {failed} failed"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    elif done * 10 // count != (done - CHUNK) * 10 // count:
        print(line, file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)


def _replay(seed: int) -> int:
    quiet()
    first, again = run_seed(seed, tells=True), run_seed(seed, tells=True)
    print("\n".join(first.story))
    same = "the same again when replayed" if again.digest == first.digest else "ANOTHER RUN WHEN REPLAYED"
    print(f"\nseed {seed}, trace {first.digest} ({same}): {len(first.problems)} problems")
    return 1 if first.problems or again.digest != first.digest else 0


if __name__ == "__main__":
    sys.exit(main())
