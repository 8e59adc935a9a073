"""``python -m tests.simulation.planting``: plants each bug of ``planted/`` into a copy, and shows who finds it.

Each patch is one real bug. The simulation must find it within ``--seeds`` runs; exit 1 if one is not found.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLANTED = Path(__file__).with_name("planted")
_COPIED = ("itaca", "services", "tests/simulation")
_RESULT = re.compile(r"^(\d+) seeds .* (\d+) failed$", re.MULTILINE)
_FAILURE = re.compile(r"^seed (\d+) fails: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Catch:
    """How one planted bug fared: in how many of how many seeds it was found, and by which rule first."""

    bug: str
    seeds: int
    failed: int
    first_seed: int = 0
    problem: str = ""


def patches() -> list[Path]:
    """Return every planted bug, by name."""
    return sorted(PLANTED.glob("*.patch"))


def plant(patch: Path, folder: Path) -> None:
    """Copy the product and the simulation into the folder and apply the patch.

    Raises:
        CalledProcessError: the patch does not apply any more.
    """
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "planted"))
    subprocess.run(
        ["git", "apply", "-C1", "--whitespace=nowarn", str(patch)], cwd=folder, check=True, capture_output=True
    )


def hunt(patch: Path, seeds: int, catches: int, jobs: int) -> Catch:
    """Run the simulation on the planted copy until it has failed in ``catches`` seeds, ``seeds`` at most."""
    with tempfile.TemporaryDirectory(prefix="planted-") as temporary:
        folder = Path(temporary)
        plant(patch, folder)
        command = [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds), "--jobs", str(jobs)]
        environ = {**os.environ, "PYTHONPATH": temporary, "PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run(
            [*command, "--stop-after", str(catches)], cwd=folder, env=environ, capture_output=True, text=True
        )
    result, failures = _RESULT.search(ended.stdout), _FAILURE.findall(ended.stdout)
    if result is None:
        return Catch(patch.stem, 0, 0, problem=f"it does not run: {ended.stderr.strip()[-200:]}")
    seed, problem = min(((int(seed), problem) for seed, problem in failures), default=(0, ""))
    return Catch(patch.stem, int(result[1]), int(result[2]), seed, problem)


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="simulate-planted", description="Does the simulation find real bugs?")
    parser.add_argument("bugs", nargs="*", help="names; default: all")
    parser.add_argument("--seeds", type=int, default=2_000, help="at most so many runs for each")
    parser.add_argument("--catches", type=int, default=3, help="enough when found so often")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    wanted = parser.parse_args()
    missed = 0
    for patch in patches():
        if wanted.bugs and patch.stem not in wanted.bugs:
            continue
        catch = hunt(patch, wanted.seeds, wanted.catches, wanted.jobs)
        missed += not catch.failed
        found = f"found in {catch.failed} of {catch.seeds} seeds" if catch.failed else "NOT FOUND"
        print(f"{catch.bug:<40} {found:<28} {catch.problem[:90]}", flush=True)
    print("every planted bug is found" if not missed else f"{missed} planted bugs are not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
