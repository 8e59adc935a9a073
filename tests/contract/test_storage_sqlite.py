"""The storage contract on SQLite, in a file."""

from collections.abc import AsyncIterator
from pathlib import Path

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
from tests.support.ledger import Ledger, new_ledger_file


@pytest.fixture
async def database_url(tmp_path: Path) -> str:
    """Give the address of a fresh ledger."""
    return await new_ledger_file(tmp_path)


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    """Give the address of an empty database."""
    (tmp_path / "empty.db").touch()
    return f"sqlite:///{tmp_path}/empty.db"


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
    """Transactions on SQLite."""


class TestIntake(IntakeContract):
    """Accepting mail on SQLite."""


class TestMails(MailContract):
    """Mails on SQLite."""


class TestPeople(PeopleContract):
    """People on SQLite."""


class TestLabels(LabelContract):
    """Labels on SQLite."""


class TestSchema(SchemaContract):
    """The rules of the schema on SQLite."""


class TestOutbox(OutboxContract):
    """The outbox on SQLite."""


class TestBooks(BooksContract):
    """The books on SQLite."""


class TestTrace(TraceContract):
    """Tracing on SQLite."""


class TestMigrations(MigrationContract):
    """Migrations on SQLite."""
