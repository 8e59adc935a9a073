"""Empty ledgers, and routers on them: on PostgreSQL in modules with that mark, elsewhere on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from itaca.storage.tables import metadata
from tests.support.ledger import new_ledger_file, open_ledger
from tests.support.postgres import PostgresServer
from tests.support.routed import Desk


@pytest.fixture(scope="module")
def shared_database(postgres_server: PostgresServer) -> str:
    """Give one database to all tests of a module: copying and removing one for each takes longer than they do."""
    return postgres_server.new_database()


@pytest.fixture
def emptied_url(postgres_server: PostgresServer, shared_database: str) -> str:
    """Give the address of the database of the module, emptied.

    Deleting few rows costs a tenth of truncating many tables; a replica fires no trigger and checks no reference.
    """
    deletions = "; ".join(f"DELETE FROM {table}" for table in metadata.tables)
    postgres_server.sql(f"SET session_replication_role = replica; {deletions}", database=shared_database)
    return postgres_server.url(shared_database)


@pytest.fixture
async def file_url(tmp_path: Path) -> str:
    """Give the address of a ledger in a file of its own."""
    return await new_ledger_file(tmp_path)


@pytest.fixture
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty ledger on the database of the module."""
    is_postgres = request.node.get_closest_marker("postgres") is not None
    url = request.getfixturevalue("emptied_url" if is_postgres else "file_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
async def desk(ledger_url: str) -> AsyncIterator[Desk]:
    """Give a router with a ledger of its own."""
    async with open_ledger(ledger_url) as ledger:
        yield Desk(ledger)


@pytest.fixture
async def other(ledger_url: str) -> AsyncIterator[Desk]:
    """Give a second router on the same ledger."""
    async with open_ledger(ledger_url, seed=8) as ledger:
        yield Desk(ledger)
