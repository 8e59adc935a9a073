"""Random operations on the ledger against a model, on both databases."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from itaca.storage.database import Database
from itaca.storage.open import open_database
from tests.contract.storage_model import MODEL_SETTINGS, LedgerModel
from tests.support.postgres import PostgresServer


def test_any_order_of_operations_on_sqlite() -> None:
    """Whatever is done in whatever order, SQLite answers as the model does."""

    class OnSqlite(LedgerModel):
        async def open(self) -> Database:
            return await open_database("sqlite://")

    run_state_machine_as_test(OnSqlite, settings=settings(MODEL_SETTINGS, max_examples=24))


@pytest.mark.postgres
def test_any_order_of_operations_on_postgres(postgres_server: PostgresServer) -> None:
    """Whatever is done in whatever order, PostgreSQL answers as the model does."""

    class OnPostgres(LedgerModel):
        async def open(self) -> Database:
            return await open_database(postgres_server.url(postgres_server.new_database()))

    run_state_machine_as_test(OnPostgres, settings=MODEL_SETTINGS)
