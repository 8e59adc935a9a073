"""The register and the history of a customer on PostgreSQL."""

import pytest

from itaca.storage.tables import metadata
from tests.contract.registers_contract import RegisterContract
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


class TestRegister(RegisterContract):
    """The register on PostgreSQL."""
