"""A courier on a ledger of its own, with a receiver of webhooks on this machine."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import standardwebhooks

from itaca.broker.memory import MemoryBroker
from itaca.cases.policy import Policy
from itaca.keys import open_keyring
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.webhooks import Webhook, WebhookEvent, add_webhook
from services.courier.app import CourierStage
from services.courier.doors import open_door
from services.courier.messages import Letters
from services.courier.settings import CourierSettings
from tests.support.ledger import open_ledger
from tests.support.receiver import Receiver, Taken
from tests.support.routed import Desk

ALL = tuple(WebhookEvent)


class Office:
    """Subscribes, lets time pass and delivers what is due."""

    def __init__(self, desk: Desk, folder: Path, receiver: Receiver, **settings: Any) -> None:
        self.desk, self.receiver = desk, receiver
        self.shared = shared = load(SharedSettings, {"ITACA_DATA_DIR": str(folder)})
        clock, rng = desk.ledger.clock, desk.ledger.rng
        parts = Parts(shared, desk.ledger.database, MemoryBroker(clock, random.Random(1)), clock, rng, Metrics())
        chosen = CourierSettings(**{"webhook_networks": ("127.0.0.0/8",), **settings})
        letters = Letters("Servizio Clienti", "", "", Policy().calendar.zone)
        self.stage = CourierStage(parts, chosen, open_door(chosen, folder), letters)

    async def subscribe(self, *events: WebhookEvent, url: str = "") -> Webhook:
        return (await self.subscription(*events, url=url))[0]

    async def subscription(self, *events: WebhookEvent, url: str = "") -> tuple[Webhook, str]:
        """Subscribe; return the subscription and its secret."""
        now, rng, keyring = self.desk.now, self.desk.ledger.rng, open_keyring(self.shared)
        chosen, target = events or ALL, url or self.receiver.url
        return await self.desk.ledger.database.write(lambda c: add_webhook(c, target, chosen, now, rng, keyring))

    async def rounds(self, **pause: float) -> None:
        """Deliver what is due after a pause."""
        await self.desk.pass_time(**(pause or {"seconds": 1}))
        while await self.stage.round():
            pass

    async def log(self) -> list[tuple[str, int | None, str]]:
        return [(row.event, row.status, row.problem) for row in await self.desk.rows(t.webhook_deliveries)]

    async def states(self) -> list[str]:
        return [row.state for row in await self.desk.rows(t.outbox, kind="webhook")]


@asynccontextmanager
async def open_office(folder: Path, receiver: Receiver, **settings: Any) -> AsyncIterator[Office]:
    """Open one with people on a ledger in memory; it may reach this machine, unless the settings say otherwise."""
    async with open_ledger("sqlite://") as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        yield Office(desk, folder, receiver, **settings)


def verifies(taken: Taken, secret: str) -> bool:
    """Say whether it was signed with the secret; the clock of these tests is not the machine's."""
    at = datetime.fromtimestamp(int(taken.headers["webhook-timestamp"]), UTC)
    signed = standardwebhooks.Webhook(secret).sign(taken.headers["webhook-id"], at, taken.body.decode())
    return signed in taken.headers["webhook-signature"].split()
