"""A running Itaca with every line behind a proxy: what a row of the table of faults works on.

Between each stage and RabbitMQ, between each stage and PostgreSQL, between the sender and ingest, and between the
courier and its relay stands a proxy of its own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiosmtplib
from sqlalchemy import text

from itaca.errors import TransientError
from itaca.storage.database import Database
from tests.fault.flow import Flow
from tests.support.books import unsent, unsettled
from tests.support.chaos_proxy import ChaosProxy
from tests.support.deployment import STAGES, Deployment
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.relay import Relay

# A lease short enough that what a dead process held is taken over within the row; mail is first driven again a minute
# after its acceptance whatever is set, then soon. A round a second: more of them only cost the machine of the tests.
# Room for as many connections as the flow opens while all stall.
VARIABLES = {
    "ITACA_COURIER_LEASE_S": "3",
    "ITACA_COURIER_INTERVAL_S": "1",
    "ITACA_WATCH_INTERVAL_S": "1",
    "ITACA_COURIER_RELAY_TIMEOUT_S": "20",
    "ITACA_COURIER_BATCH_SIZE": "10",
    "ITACA_WATCH_DRIVE_AFTER_S": "3",
    "ITACA_INGEST_CONNECTIONS_PER_CLIENT": "200",
    "ITACA_DESK_UNDO_S": "1",
}
LOOK_EVERY_S = 0.5


class LinedDeployment(Deployment):
    """A deployment whose processes each have lines of their own; a second one of a stage is ``router.2``."""

    front_port = 0
    lines: dict[str, dict[str, str]]

    def environment(self, name: str = "up") -> dict[str, str]:
        stage = name.partition(".")[0]
        return super().environment(name) | getattr(self, "lines", {}).get(stage, {})

    async def send(self, mail: object, sender: str = "", recipient: str = "") -> str:
        """Hand one mail in through the line of the senders."""
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.front_port or self.smtp_port, timeout=60)
        async with client:
            await client.mail(sender)
            await client.rcpt(recipient or "reclami@azienda.example")
            reply = await client.data(mail if isinstance(mail, bytes) else bytes(mail))  # type: ignore[call-overload]
        return f"{reply.code} {reply.message}"


class Site:
    """What a fault may be done to.

    Attributes:
        rabbit, postgres: the backends; absent on the embedded site.
        front: the line from senders to ingest. relay_line: from the courier to its relay.
        broker_lines, ledger_lines: by stage.
    """

    rabbit: RabbitServer
    postgres: PostgresServer

    def __init__(self, deployment: LinedDeployment, relay: Relay, front: ChaosProxy, relay_line: ChaosProxy) -> None:
        self.deployment, self.relay, self.front, self.relay_line = deployment, relay, front, relay_line
        self.broker_lines: dict[str, ChaosProxy] = {}
        self.ledger_lines: dict[str, ChaosProxy] = {}
        self.database_name = self.vhost = ""
        self.ledger: Database
        self._rows = 0

    def flow(self, pause_s: float) -> Flow:
        """Return a fresh stream of mails whose senders no earlier row used."""
        self._rows += 1
        return Flow(self.deployment, f"r{self._rows}", pause_s)

    async def ready(self, *names: str) -> None:
        """Wait until these processes (all, if none is named) are ready."""
        for name in names or self.deployment.names:
            await asyncio.to_thread(self.deployment.wait_ready, name)

    async def call(self, function: Callable[..., object], *args: object) -> object:
        """Run something that blocks beside the proxies."""
        return await asyncio.to_thread(function, *args)

    async def ctl(self, *words: str) -> str:
        """Run rabbitmqctl."""
        return await asyncio.to_thread(self.rabbit.rabbitmqctl, *words)

    async def sql(self, *statements: str) -> str:
        """Run statements as the superuser in the ledger's database, outside of any transaction."""
        return await asyncio.to_thread(lambda: self.postgres.sql(*statements, database=self.database_name))

    async def is_done(self) -> bool:
        """Say whether every mail has its outcome and everything has left."""
        try:
            return await unsettled(self.ledger) == 0 and await unsent(self.ledger) == 0
        except TransientError:
            return False

    async def until_done(self, timeout_s: float) -> None:
        """Wait until ``is_done``; the error says what is left."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.is_done():
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError as error:
            left = f"{await unsettled(self.ledger)} mails unsettled, {await unsent(self.ledger)} entries unsent"
            raise AssertionError(f"not within {timeout_s:.0f} s: {left}") from error

    async def until_sql(self, query: str, timeout_s: float = 60) -> None:
        """Wait until a query of the ledger gives something that is true."""
        async with asyncio.timeout(timeout_s):
            while not await self.ledger.read(lambda conn: conn.execute(text(query)).scalar_one()):
                await asyncio.sleep(LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def distributed(folder: Path, rabbit: RabbitServer, postgres: PostgresServer) -> AsyncIterator[Site]:
    """Run one process for each stage on RabbitMQ and PostgreSQL until the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        relay = _relay(stack)
        backends = {
            "ITACA_DATABASE_URL": postgres.url(postgres.new_database()),
            "ITACA_BROKER_URL": rabbit.url(rabbit.new_vhost()),
        }
        site = await _site(stack, LinedDeployment(folder, backends, relay, dict(VARIABLES), stages=STAGES))
        site.rabbit, site.postgres = rabbit, postgres
        site.database_name = backends["ITACA_DATABASE_URL"].rpartition("/")[2]
        site.vhost = backends["ITACA_BROKER_URL"].rpartition("/")[2]
        for stage in STAGES:
            site.broker_lines[stage] = await stack.enter_async_context(ChaosProxy(rabbit.port))
            site.ledger_lines[stage] = await stack.enter_async_context(ChaosProxy(postgres.port))
            site.deployment.lines[stage] = {
                "ITACA_BROKER_URL": rabbit.url(site.vhost, site.broker_lines[stage].port),
                "ITACA_DATABASE_URL": postgres.url(site.database_name, site.ledger_lines[stage].port),
            }
        yield await _started(stack, site)


@contextlib.asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Site]:
    """Run everything in one process on SQLite and the broker in memory until the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        site = await _site(stack, LinedDeployment(folder, {}, _relay(stack), dict(VARIABLES)))
        yield await _started(stack, site)


def _relay(stack: contextlib.AsyncExitStack) -> Relay:
    relay = Relay()
    relay.start()
    stack.callback(relay.stop)
    return relay


async def _site(stack: contextlib.AsyncExitStack, deployment: LinedDeployment) -> Site:
    assert deployment.relay is not None
    front = await stack.enter_async_context(ChaosProxy(deployment.smtp_port))
    relay_line = await stack.enter_async_context(ChaosProxy(deployment.relay.port))
    deployment.front_port = front.port
    deployment.lines = {}
    deployment.variables["ITACA_COURIER_RELAY_PORT"] = str(relay_line.port)
    return Site(deployment, deployment.relay, front, relay_line)


async def _started(stack: contextlib.AsyncExitStack, site: Site) -> Site:
    """Start every process; they end before their lines do."""
    stack.push_async_callback(asyncio.to_thread, site.deployment.stop)
    for name in site.deployment.names:
        site.deployment.launch(name)
    await site.ready()
    site.ledger = await site.deployment.open_ledger()
    stack.push_async_callback(site.ledger.close)
    return site
