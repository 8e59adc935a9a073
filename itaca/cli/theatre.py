"""A whole Itaca in one process on a clock that a play moves: SMTP, model, ledger and outbox are the real ones."""

import asyncio
import contextlib
import os
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import aiosmtplib
from sqlalchemy import Connection, func, select

from itaca.broker.open import open_broker
from itaca.cli.stages import service
from itaca.clock import ManualClock
from itaca.contracts.ids import CaseId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.observability.metrics import Metrics
from itaca.process import Parts, Stage
from itaca.settings import SharedSettings, load
from itaca.storage import tables
from itaca.storage.asks import tick_all
from itaca.storage.books import Books, balance
from itaca.storage.cases import close_case
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from itaca.storage.people import add_person, add_team

T = TypeVar("T")
_RUNNING = ("ingest", "classifier", "router")
_PATIENCE_S = 60.0
_BETWEEN = timedelta(seconds=1)
"""What leaves does so a moment after it was decided, so that the history tells one before the other."""
CHAIN = (
    ("Chiara Bassi", "chiara.bassi@example.it"),
    ("Marco Ferri", "marco.ferri@example.it"),
    ("Lucia Sala", "lucia.sala@example.it"),
)
"""The people of the play: owner, lead, top of the chain."""


@dataclass
class Theatre:
    """The running Itaca; the watch and the courier work when told to, at the time the play has reached."""

    parts: Parts
    clock: ManualClock
    watch: Any
    courier: Any
    port: int
    outbox: Path

    async def send(self, mail: EmailMessage, sender: str, recipient: str) -> None:
        """Hand a mail in by SMTP and wait until it is settled and what follows has left."""
        await aiosmtplib.send(mail, sender=sender, recipients=[recipient], hostname="127.0.0.1", port=self.port)
        await self._until_settled()
        await self.clock.advance(_BETWEEN)
        await self.deliver()

    async def go_to(self, moment: datetime) -> None:
        """Move the clock on, hour by hour, so that promises break when their time comes."""
        while self.clock.now() < moment:
            step = min(timedelta(hours=1), moment - self.clock.now())
            await self.clock.advance(step)
            await self.watch.escalate()
        await self.deliver()

    async def deliver(self) -> None:
        """Let the courier work until its outbox is empty."""
        while await self.courier.round():
            pass

    async def close(self, customer: str, kinds: Sequence[CaseKind], outcome: CaseOutcome, evidence: str) -> None:
        """Close the customer's open cases of these kinds, with what proves it."""
        now, rng = self.clock.now(), self.parts.rng

        def work(conn: Connection) -> None:
            cases, addresses = tables.cases, tables.customer_addresses
            query = (
                select(cases.c.id)
                .join(addresses, addresses.c.customer_id == cases.c.customer_id)
                .where(addresses.c.address == customer, cases.c.status == "open")
                .where(cases.c.kind.in_([kind.value for kind in kinds]))
            )
            for case_id in conn.scalars(query).all():
                tick_all(conn, CaseId(case_id), evidence, now, rng, "owner")
                close_case(conn, CaseId(case_id), outcome, evidence, now, rng, "owner")

        await self.parts.database.write(work)

    async def read(self, work: Any) -> Any:
        return await self.parts.database.read(work)

    async def books(self) -> Books:
        now = self.clock.now()
        return await self.parts.database.read(lambda conn: balance(conn, now, 60.0))

    async def _until_settled(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while await self.parts.database.read(self._count_unsettled):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    @staticmethod
    def _count_unsettled(conn: Connection) -> int:
        mails = tables.mails
        return conn.execute(select(func.count()).select_from(mails).where(mails.c.settled_at.is_(None))).scalar_one()


@contextlib.asynccontextmanager
async def open_theatre(start: datetime, folder: Path | None = None) -> AsyncIterator[Theatre]:
    """Start an Itaca of its own in a folder that is thrown away afterwards, at the given moment."""
    with tempfile.TemporaryDirectory(prefix="itaca-demo-") as temporary:
        data = folder or Path(temporary)
        settings = load(SharedSettings, {"ITACA_DATA_DIR": str(data), "ITACA_ORGANISATION": "Servizio Clienti"})
        clock, rng = ManualClock(start.astimezone(UTC)), random.Random(1492)
        url = settings.ledger_url()
        await upgrade(url)
        database = await open_database(url)
        broker = open_broker("memory://", clock, rng)
        await broker.start()
        parts = Parts(settings, database, broker, clock, rng, Metrics())
        stopping = asyncio.Event()
        try:
            await database.write(lambda conn: _cast(conn, start, rng))
            stages = {name: _build(parts, name) for name in (*_RUNNING, "watch", "courier")}
            async with asyncio.TaskGroup() as group:
                for name in _RUNNING:
                    group.create_task(stages[name].run(stopping))
                try:
                    port = int(getattr(stages["ingest"], "port", 0))
                    yield Theatre(parts, clock, stages["watch"], stages["courier"], port, data / "outbox")
                finally:
                    stopping.set()
        finally:
            await broker.close()
            await database.close()


def _build(parts: Parts, name: str) -> Stage:
    found = service(name)
    environ = {key: value for key, value in os.environ.items() if key.startswith(f"ITACA_{name.upper()}_")}
    return found.build(
        parts, load(found.settings, {**environ, "ITACA_INGEST_PORT": "0"} if name == "ingest" else environ)
    )


def _cast(conn: Connection, now: datetime, rng: random.Random) -> None:
    team = add_team(conn, "Servizio Clienti", (), now, rng)
    above: PersonId | None = None
    for name, email in reversed(CHAIN):
        above = add_person(conn, name, email, team.id, now, rng, (), above).id
