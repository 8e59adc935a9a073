"""The machine of a cancellation: forwards only, in any order of messages, and never against a person's word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.cancellations import Cancellation, Step, after, grown_older, take_effect
from itaca.cases.policy import Policy
from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.errors import PermanentError
from tests.support.case_facts import NOW

POLICY = Policy()
DAY = timedelta(days=1)
REQUESTED = Cancellation(CancellationState.REQUESTED, NOW, NOW + 30 * DAY, NOW + 120 * DAY)
ORDER = list(CancellationState)


def through(*steps: Step) -> Cancellation:
    """Return a cancellation after these steps."""
    found = REQUESTED
    for step in steps:
        found = after(found, step)
    return found


def test_the_whole_way() -> None:
    """Receipt, hand-over, effect, watch, end: each state once, in order."""
    steps = (Step.RECEIPTED, Step.HANDED, Step.EFFECTED, Step.WATCH_BEGUN, Step.WATCH_ENDED)
    states = [through(*steps[:n]).state for n in range(len(steps) + 1)]
    assert states == ORDER
    assert through(*steps).ended_as is CancellationEnd.WATCHED


@given(st.lists(st.sampled_from(Step), max_size=12))
def test_no_order_of_messages_leads_back(steps: list[Step]) -> None:
    """Whatever comes, late or twice or refused: the state never falls, and closed means ended for a reason."""
    found = REQUESTED
    for step in steps:
        before = found
        try:
            found = after(found, step)
        except PermanentError:
            continue
        assert ORDER.index(found.state) >= ORDER.index(before.state)
        assert after(found, step) == found
        assert (found.state is CancellationState.CLOSED) == (found.ended_as is not None)


def test_a_watch_follows_its_effect() -> None:
    """What nobody effected is not watched, and what was never watched does not end so."""
    for step in (Step.WATCH_BEGUN, Step.WATCH_ENDED):
        with pytest.raises(PermanentError, match="requested"):
            after(REQUESTED, step)


@pytest.mark.parametrize("end", [Step.DISMISSED, Step.WITHDRAWN])
def test_what_a_person_ended_takes_no_effect(end: Step) -> None:
    """A system that executes what was none is told so."""
    with pytest.raises(PermanentError, match="closed without effect"):
        after(through(end), Step.EFFECTED)
    assert not through(end).holds_at(NOW + 365 * DAY)


def test_the_customer_may_come_back_after_the_watch() -> None:
    """A cancellation holds for ever after its watch, until it is withdrawn."""
    over = through(Step.EFFECTED, Step.WATCH_BEGUN, Step.WATCH_ENDED)
    assert over.holds_at(NOW + 3000 * DAY)
    assert not after(over, Step.WITHDRAWN).holds


def test_sooner_than_announced_holds_from_then_on() -> None:
    """Done after two days: two days count, and the watch begins at once."""
    done = take_effect(REQUESTED, NOW + 2 * DAY, NOW + 3 * DAY, POLICY)
    assert (done.state, done.effective_at) == (CancellationState.WATCHED, NOW + 2 * DAY)
    assert done.watch_until == REQUESTED.watch_until


def test_later_than_announced_holds_as_announced_and_is_watched_longer() -> None:
    """The delay was ours: what was charged meanwhile is a violation, and the watch lasts from the true effect."""
    done = take_effect(REQUESTED, NOW + 60 * DAY, NOW + 60 * DAY, POLICY)
    assert done.effective_at == REQUESTED.effective_at
    assert done.watch_until == POLICY.watch_until(NOW + 60 * DAY)


def test_announced_for_later_it_waits_for_its_date() -> None:
    """Effected now, effective at the end of the month: watched from then on."""
    done = take_effect(REQUESTED, NOW + 10 * DAY, NOW, POLICY)
    assert done.state is CancellationState.EFFECTED
    assert grown_older(done, NOW + 10 * DAY, is_answered=True).state is CancellationState.WATCHED


def test_the_first_effect_counts() -> None:
    """A second confirmation with another date changes nothing."""
    done = take_effect(REQUESTED, NOW + 2 * DAY, NOW + 3 * DAY, POLICY)
    assert take_effect(done, NOW + 9 * DAY, NOW + 9 * DAY, POLICY) == done


def test_a_watch_ends_when_nobody_is_owed_anything() -> None:
    """Over by its date, but open again after a violation: watched until it is answered."""
    done = take_effect(REQUESTED, NOW, NOW, POLICY)
    late = done.watch_until
    assert grown_older(done, late, is_answered=False) == done
    assert grown_older(done, late - timedelta(microseconds=1), is_answered=True) == done
    ended = grown_older(done, late, is_answered=True)
    assert (ended.state, ended.ended_as) == (CancellationState.CLOSED, CancellationEnd.WATCHED)
    assert replace(ended, state=done.state, ended_as=None) == done
