"""A PostgreSQL for the tests that kill it."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, fresh_server


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """Give these tests a PostgreSQL of their own, because they kill it."""
    yield from fresh_server()
