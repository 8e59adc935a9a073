"""The contract of routing on PostgreSQL."""

import pytest

from tests.contract.audit_contract import AuditAnswerContract, AuditDrawContract
from tests.contract.drift_contract import DriftContract
from tests.contract.following_contract import DeparturesContract, PromisesContract
from tests.contract.joining_contract import CourtesyContract, WhoIsWhoContract
from tests.contract.reopening_contract import ReopeningContract
from tests.contract.routing_contract import RoutingContract

pytestmark = pytest.mark.postgres


class TestRouting(RoutingContract):
    """Routing on PostgreSQL."""


class TestWhoIsWho(WhoIsWhoContract):
    """Who may join what on PostgreSQL."""


class TestReopening(ReopeningContract):
    """Replies on closed cases on PostgreSQL."""


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
