"""Time, questions and the value of answers on PostgreSQL."""

import pytest

from itaca.storage.tables import metadata
from tests.contract.asks_contract import AskContract
from tests.contract.clocks_contract import LegalContract, ParkingContract
from tests.contract.owners_contract import OwnersContract
from tests.contract.values_contract import ValueContract
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


class TestLegal(LegalContract):
    """Legal terms on PostgreSQL."""


class TestParking(ParkingContract):
    """Parkings on PostgreSQL."""


class TestAsks(AskContract):
    """Questions on PostgreSQL."""


class TestOwners(OwnersContract):
    """The return timer on PostgreSQL."""


class TestValue(ValueContract):
    """The value of answers on PostgreSQL."""
