"""A broken promise gets louder, and reaches somebody who is at work."""

from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.escalation import capped, escalate, reached_by_contact
from itaca.contracts.ids import PersonId
from tests.support.case_facts import CHAIN, person, roster
from tests.support.rosters import rosters

AGENT = PersonId("agent")


def test_each_break_goes_one_level_up_and_the_top_stays() -> None:
    """Owner and lead, owner and head, and then the head again and again."""
    steps = [escalate(CHAIN, AGENT, level) for level in (0, 1, 2, 7)]
    assert [(s.level, s.told, s.is_at_top) for s in steps] == [
        (1, ("agent", "lead"), False),
        (2, ("agent", "head"), True),
        (2, ("agent", "head"), True),
        (2, ("agent", "head"), True),
    ]


def test_whoever_is_away_is_told_and_so_is_the_next_who_is_not() -> None:
    """LM30: an absent lead never silences a case."""
    people = roster(person("agent", "lead"), person("lead", "head", is_present=False), person("head"))
    assert escalate(people, AGENT, 0).told == ("agent", "lead", "head")


def test_somebody_who_left_counts_as_away() -> None:
    """LM30: a lead who is no longer active is not the last to know."""
    people = roster(person("agent", "lead"), person("lead", "head", is_active=False), person("head"))
    assert escalate(people, AGENT, 0).told == ("agent", "lead", "head")


def test_with_everybody_away_everybody_is_told() -> None:
    """Nobody is at work: all of them find it when they come back."""
    away = {"is_present": False}
    people = roster(person("agent", "lead"), person("lead", "head", **away), person("head", **away))
    assert escalate(people, AGENT, 0).told == ("agent", "lead", "head")


def test_an_owner_without_a_lead_is_at_the_top_at_once() -> None:
    """The only person of a small firm is told each time."""
    alone = escalate(roster(person("agent")), AGENT, 0)
    assert (alone.level, alone.told, alone.is_at_top) == (0, ("agent",), True)


def test_a_ring_of_leads_ends() -> None:
    """Two people who lead each other are a chain of two."""
    ring = roster(person("agent", "lead"), person("lead", "agent"))
    assert escalate(ring, AGENT, 5) == escalate(ring, AGENT, 1)
    assert escalate(ring, AGENT, 0).told == ("agent", "lead")


def test_a_contact_reaches_whom_it_reaches_for_the_first_time() -> None:
    """A new case tells the owner; a jump to the top tells everybody between, who did not know."""
    assert reached_by_contact(CHAIN, AGENT, -1, 0) == ("agent",)
    assert reached_by_contact(CHAIN, AGENT, 0, 1) == ("agent", "lead")
    assert reached_by_contact(CHAIN, AGENT, 0, 2) == ("agent", "lead", "head")
    assert reached_by_contact(CHAIN, AGENT, 1, 1) == ("agent",)


def test_a_contact_that_reaches_an_absent_lead_reaches_the_next_too() -> None:
    """LM30: the second contact never ends in the mailbox of somebody on leave."""
    people = roster(person("agent", "lead"), person("lead", "head", is_present=False), person("head"))
    assert reached_by_contact(people, AGENT, 0, 1) == ("agent", "lead", "head")
    assert reached_by_contact(people, AGENT, -1, 0) == ("agent",)


@given(rosters(), st.integers(0, 9))
def test_somebody_at_work_is_told_whenever_there_is_one_above(people, level) -> None:
    """For any company: the owner is told, nobody twice, and somebody at work if any stands at the level or above."""
    for owner in people.people.values():
        chain = people.chain(owner.id)
        step = escalate(people, owner.id, level)
        assert step.told[0] == owner.id
        assert len(set(step.told)) == len(step.told)
        assert step.level == capped(people, owner.id, level + 1)
        if any(p.is_at_work for p in chain[step.level :]):
            assert any(people.people[i].is_at_work for i in step.told)
