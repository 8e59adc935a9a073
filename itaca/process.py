"""One process: its adapters, its metrics page, its signals, and the stages that run in it.

In:     settings from the environment, and the names of the stages to run.
Out:    every stage runs until SIGTERM or SIGINT, drains, and the process ends with 0.
Fails:  a backend that is away is waited for; a stage that ends by an error nobody foresaw ends the process with 1,
        so that its supervisor starts it again: the ledger knows what was in hand.
"""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from itaca.broker.open import open_broker
from itaca.broker.port import Broker
from itaca.broker.runner import Runner
from itaca.clock import Clock, SystemClock
from itaca.errors import ConfigurationError, TransientError
from itaca.observability.health import HealthServer
from itaca.observability.metrics import Metrics
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from itaca.storage.people import ensure_first_owner
from itaca.storage.webhook_secrets import guard_secrets

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """What a stage is built from; one set per process, so that all stages of ``itaca up`` share it."""

    settings: SharedSettings
    database: Database
    broker: Broker
    clock: Clock
    rng: random.Random
    metrics: Metrics


class Stage(Protocol):
    """One stage of the flow."""

    @property
    def name(self) -> str: ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set, then finish what is in hand and return."""
        ...

    def problems(self) -> Sequence[str]:
        """Return what keeps this stage from its work, in words; empty when it is ready."""
        ...


async def run_stages(
    settings: SharedSettings,
    builders: Sequence[Callable[[Parts], Stage]],
    *,
    on_ready: Callable[[Parts, Sequence[Stage]], Awaitable[None]] | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Open the adapters, run the stages until a signal, and close everything in order.

    Raises:
        ConfigurationError: something of the environment cannot be used; the text names its variable.
    """
    stopping = stopping or stop_on_signals()
    _prepare_folder(settings)
    metrics = Metrics()
    health = HealthServer(settings.metrics_host, settings.metrics_port, metrics.registry)
    await health.start()
    clock, rng = SystemClock(), random.Random()
    try:
        parts = await _open_parts(settings, clock, rng, metrics, stopping)
        if parts is None:
            return
        try:
            stages = [build(parts) for build in builders]
            health.watch(stages, parts.broker)
            if on_ready is not None:
                await on_ready(parts, stages)
            await _run_until_stopped(stages, stopping)
        finally:
            await parts.broker.close()
            await parts.database.close()
    finally:
        await health.close()


def _prepare_folder(settings: SharedSettings) -> None:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{folder} cannot be made a folder ({error.strerror}); name one that this user may write"
        raise ConfigurationError([f"ITACA_DATA_DIR: {problem}"]) from error
    # Beside a server's database the folder may hold keys that are only read.
    if settings.database_url is None and not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError([f"ITACA_DATA_DIR: this user may not write {folder}, where the ledger lies"])


async def _open_parts(
    settings: SharedSettings, clock: Clock, rng: random.Random, metrics: Metrics, stopping: asyncio.Event
) -> Parts | None:
    database = await wait_for(lambda: _open_ledger(settings, clock, rng), "ledger", clock, stopping)
    if database is None:
        return None
    broker = open_broker(settings.broker_url.get_secret_value(), clock, rng)
    await broker.start()
    return Parts(settings, database, broker, clock, rng, metrics)


async def _open_ledger(settings: SharedSettings, clock: Clock, rng: random.Random) -> Database:
    """Open the ledger as every process finds it: of this version, its secrets sealed, with somebody to own cases."""
    url = settings.ledger_url()
    await upgrade(url)
    database = await open_database(url)
    try:
        await guard_secrets(settings, database)
        # From the first mail on somebody must be able to own a case, whichever process meets it first.
        email, name, now = settings.owner_email, settings.owner_name, clock.now()
        await database.write(lambda conn: ensure_first_owner(conn, email, name, now, rng))
    except BaseException:
        await database.close()
        raise
    return database


async def wait_for(attempt: Callable[[], Awaitable[T]], what: str, clock: Clock, stopping: asyncio.Event) -> T | None:
    """Try until it succeeds, with growing pauses up to ten seconds; None when told to stop meanwhile."""
    pause_s = 0.25
    while not stopping.is_set():
        try:
            return await attempt()
        except TransientError as error:
            log.warning("process.backend_awaited", backend=what, problem=str(error), pause_s=pause_s)
            await pause(pause_s, clock, stopping)
            pause_s = min(pause_s * 2, 10.0)
    return None


async def pause(seconds: float, clock: Clock, stopping: asyncio.Event) -> None:
    """Sleep on the given clock, or less when told to stop."""
    sleep = asyncio.ensure_future(clock.sleep(seconds))
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({sleep, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleep.cancel()
        stop.cancel()


async def read_until(stopping: asyncio.Event, runner: Runner, grace_s: float) -> None:
    """Let a runner work until told to stop, then let it finish what is in hand for at most ``grace_s`` seconds."""
    running = asyncio.ensure_future(runner.run())
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        await runner.stop(grace_s)
        await running
    finally:
        running.cancel()
        stop.cancel()


async def _run_until_stopped(stages: Sequence[Stage], stopping: asyncio.Event) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for stage in stages:
                group.create_task(_run_stage(stage, stopping), name=stage.name)
    finally:
        stopping.set()


async def _run_stage(stage: Stage, stopping: asyncio.Event) -> None:
    log.info("process.stage_started", stage=stage.name)
    await stage.run(stopping)
    log.info("process.stage_stopped", stage=stage.name)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping
