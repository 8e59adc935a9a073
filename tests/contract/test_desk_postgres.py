"""The contract of the desk on PostgreSQL."""

import pytest

from itaca.storage.tables import metadata
from tests.contract.desk_contract import DeskContract
from tests.contract.door_contract import DoorContract
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> str:
    """Give one database to all tests of this module: copying and removing one for each takes longer than they do."""
    return postgres_server.new_database()


@pytest.fixture
def ledger_url(postgres_server: PostgresServer, database: str) -> str:
    """Give the address of an empty ledger."""
    postgres_server.sql(f"TRUNCATE {', '.join(metadata.tables)}", database=database)
    return postgres_server.url(database)


class TestDesk(DeskContract):
    """The desk on PostgreSQL."""


class TestDoor(DoorContract):
    """The door of the desk on PostgreSQL."""
