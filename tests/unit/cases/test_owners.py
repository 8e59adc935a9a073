"""Who owns a new case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.owners import choose_owner
from itaca.cases.people import Roster
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind
from itaca.errors import TransientError
from tests.support.case_facts import CHAIN, person, roster
from tests.support.rosters import COMPLAINTS, ORDERS, rosters


def owner(people: Roster, kind: CaseKind = CaseKind.COMPLAINT, language: str = "it") -> str:
    return choose_owner(people, kind, language).id


def test_whoever_is_away_owns_nothing_while_somebody_is_at_work() -> None:
    """Presence weighs more than team, language and load."""
    people = roster(
        person("away", team_id="complaints", is_present=False),
        person("here", team_id="orders", languages=("de",), open_cases=40),
        teams=(ORDERS, COMPLAINTS),
    )
    assert owner(people) == "here"


def test_the_team_weighs_more_than_the_language() -> None:
    """Somebody of the right team who speaks another language goes before a speaker of the wrong team."""
    people = roster(
        person("speaker", team_id="orders", languages=("it",)),
        person("expert", team_id="complaints", languages=("de",)),
        teams=(ORDERS, COMPLAINTS),
    )
    assert owner(people) == "expert"
    assert owner(people, CaseKind.ORDER) == "speaker"


def test_the_language_weighs_more_than_the_load() -> None:
    """A speaker with many cases goes before an idle colleague; no languages means any."""
    busy, idle, any_language = (
        person("busy", "head", languages=("de",), open_cases=9),
        person("idle", "head", languages=("it",)),
        person("any", "head"),
    )
    people = roster(busy, idle, person("head"))
    assert owner(people, language="de") == "busy"
    assert owner(roster(busy, idle, any_language, person("head")), language="de") == "any"


def test_an_unknown_language_excludes_nobody() -> None:
    """A mail too short to know its language goes by load, not to whoever speaks no language at all."""
    people = roster(person("it", "head", languages=("it",)), person("any", "head", open_cases=3), person("head"))
    assert owner(people, language="") == "it"


def test_a_lead_owns_a_case_only_when_nobody_else_fits() -> None:
    """Among people who fit alike those who lead nobody go first, however busy they are."""
    assert owner(CHAIN) == "agent"
    assert owner(roster(person("agent", "lead", open_cases=50), person("lead", "head"), person("head"))) == "agent"
    assert owner(roster(person("agent", "lead", is_present=False), person("lead", "head"), person("head"))) == "lead"


def test_a_lead_of_a_deep_team_does_not_go_before_an_agent_of_a_shallow_one() -> None:
    """The length of the chain says nothing about who leads."""
    people = roster(
        person("deep-agent", "deep-lead", is_present=False),
        person("deep-lead", "deep-head"),
        person("deep-head", "board"),
        person("board"),
        person("shallow-agent", "shallow-lead"),
        person("shallow-lead"),
    )
    assert owner(people) == "shallow-agent"


def test_somebody_with_a_lead_goes_before_somebody_without() -> None:
    """A broken promise needs somewhere to go."""
    assert owner(roster(person("alone"), person("led", "z-head", open_cases=3), person("z-head"))) == "led"


def test_the_load_is_shared_across_chains_of_different_length() -> None:
    """The deepest team does not get every case."""
    people = roster(
        person("a", "b", open_cases=4), person("b", "c"), person("c"), person("x", "y", open_cases=1), person("y")
    )
    assert owner(people) == "x"


def test_ties_go_to_the_oldest_entry() -> None:
    """Equal people are told apart by their ids, which sort by age."""
    assert owner(roster(person("b", "z"), person("a", "z"), person("z"))) == "a"


def test_people_who_left_lead_nobody_and_own_nothing() -> None:
    """Somebody whose only colleague below has left is an agent like others."""
    gone = person("gone", "lead", is_active=False)
    assert owner(roster(gone, person("lead", "head"), person("head"))) == "lead"


def test_without_any_active_person_the_mail_waits() -> None:
    """Nobody is a TransientError that says what to do."""
    with pytest.raises(TransientError, match="itaca people add"):
        owner(roster(person("gone", is_active=False)))


@given(rosters(), st.sampled_from(list(CaseKind)), st.sampled_from(["it", "de", "en", ""]))
def test_never_nobody(people: Roster, kind: CaseKind, language: str) -> None:
    """For any roster with an active person there is an owner, present and of the team whenever anybody is."""
    active = people.active()
    if not active:
        return
    chosen = choose_owner(people, kind, language)
    assert chosen.is_active
    assert chosen.is_present or not any(p.is_present for p in active)
    rivals = [p for p in active if p.is_present == chosen.is_present]
    fitting = [p for p in rivals if people.teams[p.team_id].handles(kind)]
    assert not fitting or chosen in fitting


@given(rosters())
def test_a_chain_ends_whatever_the_leads(people: Roster) -> None:
    """Everybody's chain begins with them, names nobody twice and ends, rings too."""
    for one in people.people.values():
        chain = people.chain(one.id)
        assert chain[0] == one
        assert len({p.id for p in chain}) == len(chain) <= len(people.people)


def test_one_more_case_counts_and_changes_nobody_else() -> None:
    """The load grows by one for the owner only."""
    busier = CHAIN.with_one_more(PersonId("agent"))
    assert [p.open_cases for p in busier.people.values()] == [1, 0, 0]
    assert [p.open_cases for p in CHAIN.people.values()] == [0, 0, 0]
