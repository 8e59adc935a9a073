"""An Itaca of its own for each fault test: one process for each stage, on real RabbitMQ and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from itaca.storage.database import Database
from tests.support.deployment import Deployment
from tests.support.postgres import PostgresServer, fresh_server
from tests.support.rabbitmq import RabbitServer
from tests.support.relay import Relay


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """Give these tests a PostgreSQL of their own, because they kill it."""
    yield from fresh_server()


@pytest.fixture
def distributed(
    postgres_server: PostgresServer, rabbit_server: RabbitServer, relay: Relay, tmp_path: Path
) -> Iterator[Deployment]:
    """Prepare a deployment with a fresh ledger and virtual host; the test starts it."""
    backends = {
        "ITACA_DATABASE_URL": postgres_server.url(postgres_server.new_database()),
        "ITACA_BROKER_URL": rabbit_server.url(rabbit_server.new_vhost()),
    }
    # A lease short enough that what a dead process held is taken over within the test; mail is first driven again a
    # minute after its acceptance whatever is set, then soon.
    variables = {
        "ITACA_COURIER_LEASE_S": "3",
        "ITACA_WATCH_DRIVE_AFTER_S": "3",
        "ITACA_INGEST_CONNECTIONS_PER_CLIENT": "200",
    }
    deployment = Deployment(tmp_path, backends, relay, variables)
    try:
        yield deployment
    finally:
        deployment.stop()


@pytest.fixture
async def ledger(distributed: Deployment) -> AsyncIterator[Database]:
    """Open the deployment's ledger for the checks."""
    database = await distributed.open_ledger()
    try:
        yield database
    finally:
        await database.close()
