"""The storage contract on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from itaca.storage.database import Database
from itaca.storage.open import open_database
from tests.contract.storage_books_contract import BooksContract, TraceContract
from tests.contract.storage_contract import IntakeContract, TransactionContract
from tests.contract.storage_labels_contract import LabelContract
from tests.contract.storage_migration_contract import MigrationContract
from tests.contract.storage_nouns_contract import MailContract, PeopleContract
from tests.contract.storage_outbox_contract import OutboxContract
from tests.contract.storage_rules_contract import SchemaContract
from tests.support.ledger import Ledger
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Give the address of a fresh ledger."""
    return postgres_url


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> str:
    """Give the address of an empty database."""
    return postgres_server.url(postgres_server.new_empty_database())


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open the ledger."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    """Give a ledger to work with."""
    made = Ledger(database)
    yield made
    await made.intake.close()


@pytest.fixture
async def second_ledger(database_url: str) -> AsyncIterator[Ledger]:
    """Open the same ledger a second time, as another process would."""
    opened = await open_database(database_url)
    yield Ledger(opened, seed=8)
    await opened.close()


class TestTransactions(TransactionContract):
    """Transactions on PostgreSQL."""


class TestIntake(IntakeContract):
    """Accepting mail on PostgreSQL."""


class TestMails(MailContract):
    """Mails on PostgreSQL."""


class TestPeople(PeopleContract):
    """People on PostgreSQL."""


class TestLabels(LabelContract):
    """Labels on PostgreSQL."""


class TestSchema(SchemaContract):
    """The rules of the schema on PostgreSQL."""


class TestOutbox(OutboxContract):
    """The outbox on PostgreSQL."""


class TestBooks(BooksContract):
    """The books on PostgreSQL."""


class TestTrace(TraceContract):
    """Tracing on PostgreSQL."""


class TestMigrations(MigrationContract):
    """Migrations on PostgreSQL."""
