"""The contract of routing on PostgreSQL."""

import pytest

from itaca.storage.tables import metadata
from tests.contract.audit_contract import AuditAnswerContract, AuditDrawContract
from tests.contract.drift_contract import DriftContract
from tests.contract.following_contract import DeparturesContract, PromisesContract
from tests.contract.joining_contract import CourtesyContract, WhoIsWhoContract
from tests.contract.routing_contract import RoutingContract
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


class TestRouting(RoutingContract):
    """Routing on PostgreSQL."""


class TestWhoIsWho(WhoIsWhoContract):
    """Who may join what on PostgreSQL."""


class TestCourtesy(CourtesyContract):
    """Answers and cancellations on PostgreSQL."""


class TestPromises(PromisesContract):
    """Promises on PostgreSQL."""


class TestDepartures(DeparturesContract):
    """What left, on PostgreSQL."""


class TestAuditDraw(AuditDrawContract):
    """The draw of the standing audit on PostgreSQL."""


class TestAuditAnswer(AuditAnswerContract):
    """Answers to blind checks on PostgreSQL."""


class TestDrift(DriftContract):
    """Scores and alarms on PostgreSQL."""
