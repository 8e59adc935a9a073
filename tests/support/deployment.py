"""A whole Itaca of its own: one process on the embedded default, or one process for each stage on real backends."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from itaca.storage.database import Database
from itaca.storage.open import open_database
from tests.support.ports import free_port
from tests.support.rabbitmq import die_with_the_tests, wait_for_fact
from tests.support.relay import Relay

ROOT = Path(__file__).parents[2]
STAGES = ("ingest", "classifier", "router", "courier", "watch")
START_S = 300.0


@dataclass
class Deployment:
    """Starts, kills and asks one Itaca.

    Args:
        backends: ITACA_DATABASE_URL and ITACA_BROKER_URL; empty for the embedded default in one process.
    """

    folder: Path
    backends: Mapping[str, str] = field(default_factory=dict)
    relay: Relay | None = None
    variables: dict[str, str] = field(default_factory=dict)
    smtp_port: int = field(default_factory=free_port)
    desk_port: int = field(default_factory=free_port)
    stages: Sequence[str] = (*STAGES, "desk")
    """The processes of the distributed form."""

    def __post_init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.metrics_ports: dict[str, int] = {}

    @property
    def names(self) -> Sequence[str]:
        """The processes of this deployment."""
        return self.stages if self.backends else ("up",)

    @property
    def ledger_url(self) -> str:
        return self.backends.get("ITACA_DATABASE_URL") or f"sqlite:///{self.folder / 'var' / 'itaca.db'}"

    def start(self) -> None:
        """Start every process and wait until all are ready."""
        for name in self.names:
            self.launch(name)
        for name in self.names:
            self.wait_ready(name)

    def launch(self, name: str, crash: str = "") -> None:
        """Start one process; with ``crash`` (``point@n``) it kills itself at that point.

        A second process of one stage is named ``router.2``.
        """
        module = ["-m", "itaca.cli", "up"] if name == "up" else ["-m", f"services.{name.partition('.')[0]}"]
        if crash:
            module = ["-m", "tests.support.crashing", crash, *module[1:]]
        self.metrics_ports[name] = free_port()
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-P", *module],
                env=self.environment(name),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_the_tests,
            )

    def environment(self, name: str = "up") -> dict[str, str]:
        """Return the environment of one process or of a verb."""
        own = {
            "ITACA_DATA_DIR": str(self.folder / "var"),
            "ITACA_METRICS_PORT": str(self.metrics_ports.get(name, 0)),
            "ITACA_INGEST_PORT": str(self.smtp_port),
            "ITACA_INGEST_MIN_FREE_BYTES": "0",
            "ITACA_DESK_PORT": str(self.desk_port),
            "ITACA_CLASSIFIER_MODELS_DIR": str(ROOT / "models"),
            "ITACA_COURIER_INTERVAL_S": "0.2",
            "ITACA_WATCH_INTERVAL_S": "0.5",
            "PYTHONPATH": str(ROOT),
        }
        if self.relay is not None:
            own |= {"ITACA_COURIER_RELAY_HOST": "127.0.0.1", "ITACA_COURIER_RELAY_PORT": str(self.relay.port)}
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ITACA_")}
        return clean | own | dict(self.backends) | self.variables

    def wait_ready(self, name: str) -> None:
        """Return when its readiness page is green."""
        wait_for_fact(lambda: self._is_ready(name), f"{name} is ready ({self.log(name)[-2000:]})", START_S)

    def kill9(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait(10)

    def wait_dead(self, name: str, timeout_s: float = 60.0) -> int:
        """Wait for a process that is to kill itself, and return its exit status."""
        return self.processes[name].wait(timeout_s)

    def stop(self) -> None:
        """Stop what still runs, in order, by pid."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one verb of the command line beside the deployment."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "itaca.cli", *words],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def metrics(self, name: str) -> str:
        return self._get(name, "metrics")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    async def open_ledger(self) -> Database:
        return await open_database(self.ledger_url)

    async def send(self, mail: EmailMessage | bytes, sender: str = "", recipient: str = "") -> str:
        """Hand one mail in and return the reply to it."""
        raw = mail if isinstance(mail, bytes) else bytes(mail)
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.smtp_port, timeout=60)
        async with client:
            await client.mail(sender)
            await client.rcpt(recipient or "reclami@azienda.example")
            reply = await client.data(raw)
        return f"{reply.code} {reply.message}"

    def _is_ready(self, name: str) -> bool:
        process = self.processes[name]
        assert process.poll() is None, f"{name} ended with {process.returncode}: {self.log(name)[-3000:]}"
        try:
            return '"healthy":true' in self._get(name, "readyz")
        except OSError:
            return False

    def _get(self, name: str, page: str) -> str:
        url = f"http://127.0.0.1:{self.metrics_ports[name]}/{page}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
