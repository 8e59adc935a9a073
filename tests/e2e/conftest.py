"""One Itaca on each kind of backend, shared by the tests of a module; every test writes as its own customer."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from itaca.storage.database import Database
from tests.support.deployment import Deployment
from tests.support.relay import Relay


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def itaca(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Run (memory broker + SQLite) in one process, then (RabbitMQ + PostgreSQL) with a process for each stage."""
    backends = {}
    if request.param == "distributed":
        postgres = request.getfixturevalue("postgres_server")
        rabbit = request.getfixturevalue("rabbit_server")
        backends = {
            "ITACA_DATABASE_URL": postgres.url(postgres.new_database()),
            "ITACA_BROKER_URL": rabbit.url(rabbit.new_vhost()),
        }
    relay = Relay()
    relay.start()
    folder: Path = tmp_path_factory.mktemp(request.param)
    # A courier that takes over from a dead one, or from the one that a backup saw at work, does so within the test.
    deployment = Deployment(folder, backends, relay, {"ITACA_COURIER_LEASE_S": "10"})
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()
        relay.stop()


@pytest.fixture
async def ledger(itaca: Deployment) -> AsyncIterator[Database]:
    """Open the deployment's ledger for the checks."""
    database = await itaca.open_ledger()
    try:
        yield database
    finally:
        await database.close()
