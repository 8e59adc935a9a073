"""Who gets a case whose owner is away or silent: for any company, somebody who is there."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.people import Roster
from itaca.cases.policy import Policy
from itaca.cases.returning import OwnedCase, look
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind
from tests.support.case_facts import NOW, person, roster
from tests.support.rosters import rosters

POLICY = Policy()
TODAY = POLICY.calendar.today(NOW)


def owned(owner: str, **more: object) -> OwnedCase:
    known = {"kind": CaseKind.COMPLAINT, "language": "it", "level": 1, "due_at": NOW + timedelta(days=3)}
    return OwnedCase(PersonId(owner), **{**known, **more})  # type: ignore[arg-type]


def test_a_team_mate_takes_over_before_a_lead_does() -> None:
    """A lead owns a case only when nobody else fits."""
    people = roster(person("agent", "lead"), person("bella", "lead"), person("lead"))
    late = owned("agent", broken_at=NOW - timedelta(days=5))
    found = look(late, people, POLICY, NOW)
    assert (found.to, found.told) == ("bella", ("bella", "agent", "lead"))
    once_more = look(owned("bella", broken_at=late.broken_at, lost_by=frozenset({"agent"})), people, POLICY, NOW)
    assert once_more.to == "lead"


def test_silence_counts_from_the_broken_promise_and_not_before() -> None:
    """Nothing is late: the next look is on the promised day, or when the owner's holidays begin."""
    people = roster(person("agent", "lead"), person("lead"))
    assert look(owned("agent"), people, POLICY, NOW).check_at == NOW + timedelta(days=3)
    leaving = look(owned("agent", away_from=TODAY + timedelta(days=1)), people, POLICY, NOW)
    assert leaving.check_at == POLICY.calendar.start_of(TODAY + timedelta(days=1))
    just_broken = look(owned("agent", broken_at=NOW), people, POLICY, NOW)
    assert (just_broken.to, just_broken.check_at) == (None, POLICY.silent_until(NOW))


def test_holidays_that_begin_within_minutes_are_not_slept_through() -> None:
    """One minute before midnight, on the day before somebody goes away, the next look is at midnight."""
    people = roster(person("agent", "lead"), person("bella", "lead"), person("lead"))
    midnight = POLICY.calendar.start_of(TODAY + timedelta(days=1))
    late = midnight - timedelta(minutes=1)
    for more in ({"due_at": late - timedelta(days=1)}, {"broken_at": late}, {"broken_at": late - timedelta(days=9)}):
        found = look(owned("agent", away_from=TODAY + timedelta(days=1), **more), people, POLICY, late)
        assert found.check_at == midnight


@given(
    rosters(),
    st.integers(0, 6),
    st.one_of(st.none(), st.integers(0, 9)),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sets(st.integers(0, 6)),
    st.sets(st.integers(0, 6)),
)
def test_whoever_is_given_a_case_is_there(
    people: Roster, who: int, broken_days: int | None, back_days: int | None, lost: set[int], told: set[int]
) -> None:
    """For any company: a new owner is at work; an absent one keeps a case only if somebody at work may know of it."""
    names = list(people.people)
    owner = people.people[names[who % len(names)]]
    case = owned(
        owner.id,
        broken_at=None if broken_days is None else NOW - timedelta(days=broken_days),
        back_on=None if back_days is None else TODAY + timedelta(days=back_days),
        lost_by=frozenset(PersonId(names[n % len(names)]) for n in lost),
        knowing=frozenset(PersonId(names[n % len(names)]) for n in told),
    )
    found = look(case, people, POLICY, NOW)
    at_work = [p.id for p in people.people.values() if p.is_at_work]
    assert found.check_at > NOW
    assert len(set(found.told)) == len(found.told)
    if found.to is not None:
        assert found.to in at_work
        assert found.to != owner.id
        assert {found.to, owner.id} <= set(found.told)
        assert owner.is_at_work <= (found.to not in case.lost_by)
    elif not owner.is_at_work and at_work:
        assert any(people.people[p].is_at_work for p in {*case.knowing, *found.told})
    elif not owner.is_at_work:
        assert found.is_exhausted
