"""Stand-ins with state around the ingest stage, and a way to have it listening in a test."""

import asyncio
import contextlib
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from itaca.broker.memory import MemoryBroker
from itaca.clock import SystemClock
from itaca.contracts.ids import MailId, uuid7
from itaca.dispatch import Arrival
from itaca.mail.digest import mail_digest
from itaca.mail.model import Envelope
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage.database import Database
from itaca.storage.intake import Accepted
from services.ingest.queue import DispatchQueue
from services.ingest.settings import IngestSettings
from services.ingest.stage import IngestStage, assemble
from tests.support.require import require


@dataclass
class Kept:
    """One mail in the stand-in ledger."""

    mail_id: MailId
    envelope: Envelope
    raw: bytes
    client: str


class MemoryLedger:
    """Keeps mails by digest, as the real one does; can be told to fail, or to wait with its commits."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.failure: Exception | None = None
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.asked = asyncio.Event()
        self._rng = random.Random(7)

    async def accept(self, envelope: Envelope, raw: bytes, client: str) -> Accepted:
        self.asked.set()
        await self.may_commit.wait()
        if self.failure is not None:
            raise self.failure
        digest = mail_digest(envelope, raw)
        if digest in self.kept:
            return Accepted(self.kept[digest].mail_id, True)
        mail_id = MailId(uuid7(SystemClock().now(), self._rng))
        self.kept[digest] = Kept(mail_id, envelope, raw, client)
        return Accepted(mail_id, False)

    @property
    def mails(self) -> list[Kept]:
        return list(self.kept.values())


@dataclass
class MemoryDispatcher:
    """Remembers what it was given; ``may_work`` holds it back."""

    done: list[MailId] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    may_work: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.may_work.set()

    async def dispatch(self, arrivals: Sequence[Arrival]) -> int:
        await self.may_work.wait()
        self.done += [arrival.mail_id for arrival in arrivals]
        return len(arrivals)

    def leave_to_watch(self, mails: int, reason: str) -> None:
        self.left[reason] = self.left.get(reason, 0) + mails

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Listening:
    """A stage at work and everything around it."""

    stage: IngestStage
    ledger: MemoryLedger
    dispatcher: MemoryDispatcher
    metrics: Metrics
    stopping: asyncio.Event
    task: "asyncio.Task[None]"

    @property
    def port(self) -> int:
        return self.stage.port

    def count(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 when nobody counted."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def settings_of(**fields: Any) -> IngestSettings:
    """Return settings as if the fields stood in the environment, with a free port and a small disk."""
    values = {"port": "0", "min_free_bytes": "0", "size_limit_bytes": "1000000"} | {
        k: str(v) for k, v in fields.items()
    }
    return load(IngestSettings, {IngestSettings.variable(name): value for name, value in values.items()})


@contextlib.asynccontextmanager
async def listening(folder: Path, **fields: Any) -> AsyncIterator[Listening]:
    """Have a stage listen on a free port, on stand-ins for ledger and dispatcher; ``fields`` are its settings."""
    settings = settings_of(**fields)
    clock, rng, metrics = SystemClock(), random.Random(1), Metrics()
    broker = MemoryBroker(clock, rng)
    parts = Parts(SharedSettings(data_dir=folder), cast(Database, None), broker, clock, rng, metrics)
    ledger, dispatcher, stopping = MemoryLedger(), MemoryDispatcher(), asyncio.Event()
    queue = DispatchQueue(dispatcher, settings.queue_mails, settings.queue_bytes)
    stage = assemble(parts, settings, ledger, queue)
    task = asyncio.create_task(stage.run(stopping))
    try:
        yield Listening(stage, ledger, dispatcher, metrics, stopping, task)
    finally:
        ledger.may_commit.set()
        dispatcher.may_work.set()
        stopping.set()
        async with asyncio.timeout(30):
            await task


def make_certificate(folder: Path, name: str = "good", *, has_expired: bool = False) -> tuple[Path, Path]:
    """Return a self-signed certificate and its key for localhost, by the openssl program."""
    if shutil.which("openssl") is None:
        require("openssl", "openssl is not installed (Debian package openssl)")
    certificate, key, request = (folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    (folder / "index.txt").write_text("", encoding="utf-8")
    config = folder / "openssl.cnf"
    config.write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    last = "20200102000000Z" if has_expired else "20991231235959Z"
    dates = ["-startdate", "20200101000000Z", "-enddate", last]
    files = ["-in", request, "-out", certificate, "-keyfile", key, "-outdir", folder, "-notext"]
    _openssl("ca", "-batch", "-selfsign", "-create_serial", "-config", config, *dates, *files)
    return certificate, key


_CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
