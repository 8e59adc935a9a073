"""One stage as a process of its own, on a fresh data folder, as a supervisor would run it."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]


@dataclass
class StageProcess:
    """A running stage; ``log`` is its standard error."""

    child: subprocess.Popen[bytes]
    folder: Path
    smtp_port: int
    metrics_port: int
    log: Path

    def is_ready(self) -> bool:
        """Say whether its readiness page is green; a process that ended fails the test with its log."""
        assert self.child.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/readyz", timeout=2) as page:
                return bool(page.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def terminate(self) -> None:
        self.child.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def running(
    folder: Path, service: str = "ingest", *, prefix: Sequence[str] = (), **variables: str
) -> Iterator[StageProcess]:
    """Start ``python -P -m services.<service>``, behind ``prefix`` (a tracer) if given; ended by pid at the end."""
    smtp_port, metrics_port = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ITACA_")} | {
        "ITACA_DATA_DIR": str(folder / "var"),
        "ITACA_METRICS_PORT": str(metrics_port),
        "ITACA_INGEST_PORT": str(smtp_port),
        "ITACA_INGEST_MIN_FREE_BYTES": "0",
        "ITACA_INGEST_SIZE_LIMIT_BYTES": "2000000",
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    log = folder / "stage.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", f"services.{service}"], env=environment, stderr=output, cwd=folder
        )
    try:
        yield StageProcess(child, folder, smtp_port, metrics_port, log)
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)
