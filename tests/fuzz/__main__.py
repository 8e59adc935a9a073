"""Fuzz the parser, the SMTP side and the quote splitter: ``python -m tests.fuzz --minutes 30 [--target parser]``.

What is new about an input goes to ``var/fuzz/<target>`` and is the beginning of the next run. An input that breaks a
rule ends its target's run and stands in ``tests/fuzz/found/<target>``, where ``test_corpus.py`` tries it for ever.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MAX_INPUT_BYTES = {"parser": 6_000, "smtp": 1_500, "quotes": 3_000}
_TIMEOUT_S = 120
_MEMORY_MB = 1_500
_SAID = re.compile(r"#(\d+)\s.*cov: (\d+) ft: (\d+).*?exec/s: (\d+)")


@dataclass
class Figures:
    """What the fuzzer last said of one target: inputs tried, places and features reached, inputs a second."""

    inputs: int = 0
    places: int = 0
    features: int = 0
    per_second: int = 0

    def hear(self, line: str) -> bool:
        """Take in a line of the fuzzer; return whether it held figures."""
        found = _SAID.search(line)
        if found is not None:
            self.inputs, self.places, self.features, self.per_second = map(int, found.groups())
        return found is not None


def run(target: str, seconds: int) -> tuple[Figures, list[Path]]:
    """Fuzz one target; return its figures and the inputs that broke a rule in this run."""
    corpus, found = ROOT / "var" / "fuzz" / target, HERE / "found" / target
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    known = set(found.iterdir())
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={_TIMEOUT_S}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-max_len={MAX_INPUT_BYTES[target]}",
        f"-dict={HERE / 'dictionaries' / target}",
        f"-artifact_prefix={found}/",
    ]
    folders = [str(corpus), str(HERE / "corpus" / target), str(found)]
    command = [sys.executable, "-m", "tests.fuzz.engine", target, *options, *folders]
    figures, last_words = Figures(), list[str]()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as fuzzer:
        for line in fuzzer.stderr or ():
            last_words = [*last_words[-30:], line]
            if figures.hear(line) and ("pulse" in line or "INITED" in line):
                print(f"{target}: {figures}", flush=True)
    new = sorted(set(found.iterdir()) - known)
    if new or fuzzer.returncode:
        print("".join(last_words), flush=True)
    return figures, new


def main() -> int:
    """Run the targets one after the other; 1 if any of them found something."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("--minutes", type=float, default=1.0, help="for each target")
    asked.add_argument("--target", choices=sorted(MAX_INPUT_BYTES), action="append", help="all, unless named")
    options = asked.parse_args()
    results = {target: run(target, max(1, int(options.minutes * 60))) for target in options.target or MAX_INPUT_BYTES}
    for target, (figures, new) in results.items():
        print(f"{target:7} {figures.inputs:>10,} inputs, {figures.places:,} places, {len(new)} findings")
        for path in new:
            print(f"        {path.relative_to(ROOT)}")
    return 1 if any(new for _, new in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
