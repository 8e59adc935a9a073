"""Who stands above whom, and who may set what for whom."""

import pytest
from hypothesis import given

from itaca.cases.people import Roster
from itaca.cases.roles import Role
from itaca.cases.staff import NO_CIRCLE, NO_SELF, NOBODY, Place, chart, check_lead, may_note_absence, may_set_hours
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from tests.support.case_facts import CHAIN, TEAM, person, roster
from tests.support.rosters import rosters

AGENT, LEAD, HEAD = (PersonId(name) for name in ("agent", "lead", "head"))


@pytest.mark.parametrize(
    ("led", "lead", "says"),
    [
        ("head", "agent", NO_CIRCLE),
        ("lead", "lead", NO_SELF),
        ("agent", "nobody", NOBODY),
        ("lead", "agent", NO_CIRCLE),
    ],
)
def test_a_chain_without_a_top_is_refused(led: str, lead: str, says: str) -> None:
    """The refusal says which rule it breaks."""
    with pytest.raises(PermanentError, match=says):
        check_lead(CHAIN, PersonId(led), PersonId(lead))


def test_somebody_who_left_leads_nobody_new() -> None:
    """A broken promise would reach nobody."""
    with pytest.raises(PermanentError, match=NOBODY):
        check_lead(roster(person("agent"), person("gone", is_active=False)), AGENT, PersonId("gone"))


@given(rosters())
def test_a_lead_that_is_taken_never_closes_a_circle(everybody: Roster) -> None:
    """Whoever is refused would have been above themselves; whoever is not, is not."""
    for led in everybody.people:
        for lead in everybody.active():
            above = {one.id for one in everybody.chain(lead.id)}
            try:
                check_lead(everybody, led, lead.id)
            except PermanentError:
                assert led in above
            else:
                assert led not in above


def test_leads_note_absences_of_those_below_them() -> None:
    """Their own, and those of anybody under them; admins everybody's; agents nobody's but their own."""
    assert may_note_absence(Role.AGENT, CHAIN, AGENT, AGENT)
    assert not may_note_absence(Role.AGENT, CHAIN, LEAD, AGENT)
    assert may_note_absence(Role.LEAD, CHAIN, HEAD, AGENT)
    assert not may_note_absence(Role.LEAD, CHAIN, LEAD, HEAD)
    assert may_note_absence(Role.ADMIN, CHAIN, AGENT, HEAD)


def test_leads_set_the_hours_of_their_own_team() -> None:
    """Admins those of any."""
    assert may_set_hours(Role.LEAD, CHAIN, LEAD, TEAM.id)
    assert not may_set_hours(Role.LEAD, CHAIN, LEAD, "another")
    assert not may_set_hours(Role.AGENT, CHAIN, AGENT, TEAM.id)
    assert may_set_hours(Role.ADMIN, CHAIN, AGENT, "another")


@given(rosters())
def test_the_chart_shows_everybody_active_once(everybody: Roster) -> None:
    """Rings of leads included, which only the command line of an older version could make."""
    shown: list[str] = []

    def walk(places: list[Place]) -> None:
        for place in places:
            shown.append(place.person.id)
            walk(list(place.below))

    walk(chart(everybody))
    assert len(shown) == len(set(shown))
    assert {one.id for one in everybody.active()} <= set(shown)


def test_whoever_left_stays_in_the_chart_while_the_chain_runs_through_them() -> None:
    """Afterwards they are gone from it."""
    (top,) = chart(roster(person("agent", "gone"), person("gone", "head", is_active=False), person("head")))
    assert [top.person.name, top.below[0].person.name, top.below[0].below[0].person.name] == ["head", "gone", "agent"]
    (top,) = chart(roster(person("agent", "head"), person("gone", "head", is_active=False), person("head")))
    assert [place.person.name for place in top.below] == ["agent"]
