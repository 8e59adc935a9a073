"""How a case may end, and that an answer always leaves something to rely on."""

from datetime import timedelta

import pytest

from itaca.cases.closing import Answer, check_answer, check_end, outcomes_for
from itaca.cases.roles import Right, Role, may
from itaca.contracts.intents import CaseKind, CaseOutcome, PromiseKind
from itaca.errors import PermanentError
from tests.support.case_facts import NOW

KEPT = CaseOutcome.REMEDIED


@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_kind_can_end_as_nothing_and_what_is_done_elsewhere_as_a_double(kind: CaseKind) -> None:
    """A mistake of the machine is no matter; what people answer goes on in another case by a merger alone."""
    assert CaseOutcome.NOT_A_MATTER in outcomes_for(kind)
    assert (CaseOutcome.MERGED in outcomes_for(kind)) == (kind in (CaseKind.ORDER, CaseKind.CANCELLATION))


@pytest.mark.parametrize(
    ("kind", "outcome", "evidence"),
    [
        (CaseKind.COMPLAINT, CaseOutcome.ORDERED, "order 1"),
        (CaseKind.ORDER, CaseOutcome.EFFECTED, "done"),
        (CaseKind.COMPLAINT, KEPT, ""),
        (CaseKind.COMPLAINT, KEPT, " ok "),
    ],
)
def test_an_end_that_does_not_fit_or_proves_nothing_is_refused(kind, outcome, evidence) -> None:
    """The outcome is one of its kind, and somebody says what proves it."""
    with pytest.raises(PermanentError):
        check_end(kind, outcome, evidence)


@pytest.mark.parametrize(
    "answer",
    [
        Answer("Re", "", "a@b.example", KEPT, "refund 1"),
        Answer("", "Ecco", "a@b.example", KEPT, "refund 1"),
        Answer("Re", "Ecco", "a@b.example"),
        Answer("Re", "Ecco", "a@b.example", KEPT, ""),
        Answer("Re", "Ecco", "a@b.example", back_by=NOW - timedelta(days=1)),
    ],
)
def test_an_answer_that_leaves_nothing_to_rely_on_is_refused(answer: Answer) -> None:
    """It says something, and closes the matter or names a date to come."""
    with pytest.raises(PermanentError):
        check_answer(answer, CaseKind.COMPLAINT, [PromiseKind.ANSWER], NOW)


def test_what_is_still_owed_beside_the_answer_is_enough() -> None:
    """A cancellation under way keeps its own date."""
    answer = Answer("Re", "Ecco", "a@b.example")
    check_answer(answer, CaseKind.CANCELLATION, [PromiseKind.EFFECT], NOW)
    with pytest.raises(PermanentError):
        check_answer(answer, CaseKind.CANCELLATION, [], NOW)


def test_each_role_may_what_its_work_needs() -> None:
    """Operations never see customers' words; only admins give roles."""
    assert not may(Role.OPS, Right.READ)
    assert [role for role in Role if may(role, Right.ACCOUNTS)] == [Role.ADMIN]
    assert {role for role in Role if may(role, Right.ASSIGN)} == {Role.LEAD, Role.ADMIN}
    assert all(may(role, Right.FLOW) for role in Role)
