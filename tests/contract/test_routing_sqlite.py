"""The contract of routing on SQLite, in a file."""

from tests.contract.audit_contract import AuditAnswerContract, AuditDrawContract
from tests.contract.drift_contract import DriftContract
from tests.contract.following_contract import DeparturesContract, PromisesContract
from tests.contract.joining_contract import CourtesyContract, WhoIsWhoContract
from tests.contract.reopening_contract import ReopeningContract
from tests.contract.routing_contract import RoutingContract


class TestRouting(RoutingContract):
    """Routing on SQLite."""


class TestWhoIsWho(WhoIsWhoContract):
    """Who may join what on SQLite."""


class TestReopening(ReopeningContract):
    """Replies on closed cases on SQLite."""


class TestCourtesy(CourtesyContract):
    """Answers and cancellations on SQLite."""


class TestPromises(PromisesContract):
    """Promises on SQLite."""


class TestDepartures(DeparturesContract):
    """What left, on SQLite."""


class TestAuditDraw(AuditDrawContract):
    """The draw of the standing audit on SQLite."""


class TestAuditAnswer(AuditAnswerContract):
    """Answers to blind checks on SQLite."""


class TestDrift(DriftContract):
    """Scores and alarms on SQLite."""
