"""The processes of a simulated Itaca: the real stages, each alive until it is killed, and started again."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from itaca.broker.runner import Runner
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, ROUTER_MAIL_CLASSIFIED
from itaca.dispatch import Dispatcher
from itaca.mail.written import written_text
from itaca.observability.metrics import Metrics
from itaca.process import Parts, read_until
from itaca.settings import SharedSettings
from itaca.storage.intake import Intake
from itaca.storage.mails import save_texts
from services.classifier.handler import ClassifyHandler
from services.courier.app import CourierStage
from services.courier.settings import CourierSettings
from services.ingest.handler import Acceptance
from services.ingest.queue import DispatchQueue
from services.router.app import RouterStage
from services.router.settings import RouterSettings
from services.watch.app import WatchStage
from services.watch.settings import WatchSettings
from tests.simulation.broker import Station, Wire
from tests.simulation.chances import Chances
from tests.simulation.clock import ProcessClock, Wall
from tests.simulation.ledger import Disk, Line
from tests.simulation.log import Log
from tests.simulation.loop import NEVER, Life, SimLoop, outside
from tests.simulation.machines import Bench, ReadingRoom
from tests.simulation.mails import Letter
from tests.simulation.relay import Relay, RelayDoor, ShortLetters
from tests.simulation.senders import Door

Main = Coroutine[Any, Any, None]
METRICS = cache(Metrics)


@dataclass
class Site:
    """What all processes of one run share: the machine room."""

    loop: SimLoop
    wall: Wall
    rng: random.Random
    chances: Chances
    log: Log
    disk: Disk
    station: Station
    relay: Relay
    letters: list[Letter]
    door: Door
    settings: SharedSettings
    has_idempotent_door: bool
    has_books: bool
    watch_every_s: float
    courier_every_s: float


@cache
def shared_settings(has_exchange: bool) -> SharedSettings:
    """Return the settings of a deployment with or without an AMQP exchange."""
    url = "amqp://simulated" if has_exchange else "memory://"
    return SharedSettings(data_dir=Path("/nowhere"), broker_url=url, own_domains=("itaca.example",))  # type: ignore[arg-type]


@cache
def _watch_settings(interval_s: float) -> WatchSettings:
    """Settings are frozen and read once, as a real process does."""
    return WatchSettings(interval_s=interval_s, batch_size=5)


@cache
def _courier_settings(interval_s: float) -> CourierSettings:
    return CourierSettings(interval_s=interval_s, batch_size=4)


@cache
def _router_settings() -> RouterSettings:
    return RouterSettings(batch_size=3)


def _parts(site: Site, life: Life) -> Parts:
    rng = random.Random(site.rng.getrandbits(64))
    skew = timedelta(seconds=site.rng.uniform(-1, 1))
    clock = ProcessClock(site.wall, site.loop, site.chances, skew)
    line = Line(life.name, site.disk, site.chances, site.log)
    return Parts(site.settings, line, Wire(life.name, life, site.station), clock, rng, METRICS())


def _dispatcher(site: Site, parts: Parts) -> Dispatcher:
    room = ReadingRoom(site.letters, site.chances)
    return Dispatcher(room, written_text, parts.database, save_texts, parts.broker, parts.metrics, parts.clock)


async def ingest(site: Site, life: Life) -> None:
    """Accept and dispatch; the SMTP dialogue in front of it is tested elsewhere."""
    parts = _parts(site, life)
    queue = DispatchQueue(_dispatcher(site, parts), max_mails=4, max_bytes=1 << 20, window_mails=3)
    intake = Intake(parts.database, parts.clock, parts.rng)
    site.door.acceptance = Acceptance(
        intake, queue.offer, parts.metrics, parts.clock, listener="smtp", timeout_s=30, max_hops=50
    )
    site.door.life = life
    await queue.run()


async def classifier(site: Site, life: Life) -> None:
    parts = _parts(site, life)

    async def publish(bodies: Any) -> None:
        await parts.broker.publish(ROUTER_MAIL_CLASSIFIED, bodies)

    handler = ClassifyHandler(Bench(site.letters, site.chances), publish, lambda _: None)
    runner = Runner(parts.broker, CLASSIFIER_MAIL_RECEIVED, handler, batch_size=3, clock=parts.clock)
    await read_until(asyncio.Event(), runner, 0)


async def router(site: Site, life: Life) -> None:
    await RouterStage(_parts(site, life), _router_settings()).run(asyncio.Event())


async def watch(site: Site, life: Life) -> None:
    parts = _parts(site, life)
    stage = WatchStage(parts, _watch_settings(site.watch_every_s), _dispatcher(site, parts))
    if not site.has_books:
        stage._duties = {name: duty for name, duty in stage._duties.items() if name in _NEEDED}
    await stage.run(asyncio.Event())


_NEEDED = ("dead_letters", "drive", "promises", "owners", "daily_list")
"""What the watch does for mail and promises; its other duties show figures, and cost more than all of these."""


async def courier(site: Site, life: Life) -> None:
    door = RelayDoor(site.relay, site.chances, is_idempotent=site.has_idempotent_door)
    settings = _courier_settings(site.courier_every_s)
    await CourierStage(_parts(site, life), settings, door, ShortLetters()).run(asyncio.Event())


STAGES: dict[str, Callable[[Site, Life], Main]] = {
    "ingest": ingest,
    "classifier": classifier,
    "router": router,
    "watch": watch,
    "courier": courier,
}


class Process:
    """One supervised process: it is started again some time after each death.

    Args:
        stages: those that run in it; all of them share its fate.
    """

    def __init__(self, name: str, stages: tuple[str, ...], site: Site) -> None:
        self.name, self._stages, self._site = name, stages, site
        self.life: Life | None = None
        self.deaths = 0
        self.crashes: list[str] = []

    def start(self) -> None:
        """Begin a new life, unless one is there."""
        if self.life is not None and not self.life.is_dead:
            return
        site = self._site
        self.life = life = Life(f"{self.name}.{self.deaths}", self._draw_end())
        site.log.note("supervisor", "starts", life.name)
        life.on_death.append(lambda: self._on_death(life))
        for stage in self._stages:
            task = site.loop.create_task(STAGES[stage](site, life), context=life.context())
            task.add_done_callback(lambda task, stage=stage: self._on_end(stage, task), context=outside())

    def _draw_end(self) -> int:
        """A life that is killed ends early or late: the step is drawn evenly over the orders of magnitude."""
        site = self._site
        if self.deaths >= 4 or not site.chances.happens("kill"):
            return NEVER
        return int(10 ** site.rng.uniform(0.5, 3.2))

    def _on_death(self, life: Life) -> None:
        site = self._site
        site.log.note("supervisor", "sees the death of", f"{life.name} at step {life.steps}")
        self.deaths += 1
        is_long = site.chances.rng.random() < 0.15
        pause_s = site.chances.rng.uniform(900, 4000) if is_long else site.chances.rng.uniform(1, 60)
        if len(self._stages) > 1:
            site.station.forget()
        site.loop.call_later(pause_s, self.start, context=outside())

    def _on_end(self, stage: str, task: "asyncio.Task[None]") -> None:
        if self.life is not None and not self.life.is_dead:
            error = None if task.cancelled() else task.exception()
            self.crashes.append(f"{self.name}: {stage} ended by itself: {type(error).__name__}: {error}")
            self._site.log.note("supervisor", "sees the end of", self.crashes[-1])
            self.life.kill()
