"""Which cancellation a charge, a shipment or a mailing violates, and how loud that is."""

from datetime import timedelta

import pytest

from itaca.cases.activities import Activity, find_violated, hold_against
from itaca.cases.model import KnownCase
from itaca.cases.policy import Policy
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import ActivityKind, PromiseKind
from tests.support.case_facts import CHAIN, NOW, cancellation

POLICY = Policy()


def charge(contract: str = "", **more: object) -> Activity:
    known = {"happened_at": NOW, "email": "anna@posta.example", "contract": contract}
    return Activity("billing", "4711", ActivityKind.CHARGE, **{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contract", "found"),
    [("A1", "a1"), ("b 2", "b2"), ("", "all"), ("C3", "all")],
)
def test_the_contract_decides(contract: str, found: str) -> None:
    """Its own cancellation first, then one that names no contract; without a contract the newest."""
    known = [cancellation("a1", matter="A1"), cancellation("b2", matter="B2"), cancellation("all")]
    violated = find_violated(charge(contract), known)
    assert violated is not None
    assert violated.id == found


def test_another_contract_is_not_cancelled() -> None:
    """A customer who gave up one contract is charged rightly for the other."""
    assert find_violated(charge("B2"), [cancellation("a1", matter="A1")]) is None


@pytest.mark.parametrize(("days", "is_wrong"), [(-11, False), (81, True), (4000, True)])
def test_it_holds_for_ever_from_its_effective_date(days: int, is_wrong: bool) -> None:
    """Before the effective date a charge is right; after the watch it is as wrong as in it."""
    violated = find_violated(charge(happened_at=NOW + timedelta(days=days)), [cancellation()])
    assert (violated is not None) == is_wrong


def test_the_open_case_of_the_same_matter_takes_it() -> None:
    """Cancelled twice: the closed one is violated, the open one holds the customer's matter."""
    known = [cancellation("closed"), cancellation("open", is_open=True, effective_at=NOW + timedelta(days=5))]
    violated = find_violated(charge(), known)
    assert violated is not None
    assert violated.id == "open"


def reopened(case: KnownCase, violations: int) -> tuple[int, tuple[str, ...], bool]:
    action = hold_against(case, charge(amount="34.90 EUR"), violations, CHAIN, POLICY, NOW)
    assert action.promise.kind is PromiseKind.ANSWER
    assert not action.counts
    return action.level, action.notify, action.reopens


def test_a_hit_reopens_the_case_one_level_higher() -> None:
    """The owner and the next in the chain learn of it, with what happened in words."""
    case = cancellation(owner_id=PersonId("agent"))
    assert reopened(case, 3) == (1, ("agent", "lead"), True)
    action = hold_against(case, charge(amount="34.90 EUR"), 0, CHAIN, POLICY, NOW)
    assert action.reasons[0] == "charge 34.90 EUR on 2026-03-09, reported by billing as 4711"


def test_a_list_of_charges_is_one_reason_to_be_told() -> None:
    """While the first violation waits for its answer, further ones are evidence and no louder."""
    case = cancellation(is_open=True, owner_id=PersonId("agent"), level=1)
    assert reopened(case, 1)[:1] == (1,)
    assert reopened(case, 0)[:1] == (2,)
