"""The return timer: an owner who is away too long, or silent after a broken promise, loses the case to who is there.

The rules, in order. Whoever left, or will not be back by the promised date, gives the case to somebody at work at
once. Whoever is back in time keeps it, and those above know meanwhile. Whoever is at work and has given no sign since
a promise was broken loses it after the days of the policy. A case goes to nobody twice for silence: when everybody
at work has had it, it stays and stands on the daily list to the top, until somebody gives a sign.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from itaca.cases.escalation import capped
from itaca.cases.owners import choose_owner
from itaca.cases.people import Person, Roster
from itaca.cases.policy import Policy
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind

AGAIN_SOON = timedelta(minutes=5)


@dataclass(frozen=True)
class OwnedCase:
    """An open case as its timer sees it.

    ``due_at``: the date promised next. ``broken_at``: the first promise broken since the owner's last sign, or since
    the owner got the case. ``lost_by``: who lost it by silence. ``back_on``: the day on which an owner who is away
    is back. ``away_from``: the owner's next absence. ``knowing``: who was told that the owner is away this time.
    """

    owner_id: PersonId
    kind: CaseKind
    language: str
    level: int
    due_at: datetime | None = None
    broken_at: datetime | None = None
    lost_by: frozenset[PersonId] = frozenset()
    back_on: date | None = None
    away_from: date | None = None
    knowing: frozenset[PersonId] = frozenset()


@dataclass(frozen=True)
class Look:
    """What a look at a case's owner leads to.

    ``to``: who owns it from now on, None if it stays; ``level`` fits the new owner's chain. ``told``: who learns of
    it. ``is_exhausted``: nobody is left to take it. ``is_away``: its owner is. ``says``: why, for the history.
    """

    check_at: datetime
    to: PersonId | None = None
    level: int = 0
    told: tuple[PersonId, ...] = ()
    is_exhausted: bool = False
    is_away: bool = False
    says: str = ""


def look(case: OwnedCase, roster: Roster, policy: Policy, now: datetime) -> Look:
    """Return what becomes of a case by its owner's presence and silence."""
    owner = roster.people[case.owner_id]
    if owner.is_at_work:
        return _silence(case, roster, policy, now)
    tomorrow = policy.calendar.start_of(policy.calendar.today(now) + timedelta(days=1))
    above = _above(roster, owner)
    is_back_in_time = owner.is_active and _is_back(case, policy)
    if is_back_in_time and any(person.is_at_work for person in above):
        says = "the owner is away and back in time"
        return Look(tomorrow, told=_new_to(case, owner, above), level=case.level, is_away=True, says=says)
    successor = _successor(case, roster, frozenset())
    if successor is None:
        told = _new_to(case, owner, above)
        says = "nobody is at work"
        return Look(tomorrow, told=told, level=case.level, is_exhausted=True, is_away=True, says=says)
    says = "the owner is away beyond the promised date" if owner.is_active else "the owner has left"
    return _passed(case, roster, successor, says, tomorrow)


def _silence(case: OwnedCase, roster: Roster, policy: Policy, now: datetime) -> Look:
    team = roster.calendar_of(case.owner_id)
    ends = [policy.calendar.start_of(case.away_from)] if case.away_from else []
    if case.broken_at is None:
        due = case.due_at if case.due_at is not None else policy.next_escalation(now, team)
        return Look(min([max(due, now + AGAIN_SOON), *ends]), level=case.level)
    limit = policy.silent_until(case.broken_at, team)
    if now < limit:
        return Look(min([limit, *ends]), level=case.level)
    successor = _successor(case, roster, case.lost_by)
    if successor is None:
        again = policy.next_escalation(now, team)
        return Look(min([again, *ends]), level=case.level, is_exhausted=True, says="nobody is left to take it")
    midnight = policy.calendar.start_of(policy.calendar.today(now) + timedelta(days=1))
    return _passed(case, roster, successor, "silent since a promise was broken", min(now + AGAIN_SOON, midnight))


def _passed(case: OwnedCase, roster: Roster, successor: Person, says: str, check_at: datetime) -> Look:
    """Give the case on: the new owner, the old one and the old one's lead learn of it."""
    lead_id = roster.people[case.owner_id].lead_id
    told = dict.fromkeys([successor.id, case.owner_id, *([lead_id] if lead_id in roster.people else [])])
    level = capped(roster, successor.id, case.level)
    return Look(check_at, successor.id, level, tuple(p for p in told if p is not None), says=says)


def _successor(case: OwnedCase, roster: Roster, besides: frozenset[PersonId]) -> Person | None:
    """Return who fits best among those at work, as for a new case."""
    no_more = besides | {case.owner_id}
    there = {
        person.id: replace(person, is_active=person.is_at_work and person.id not in no_more)
        for person in roster.people.values()
    }
    if not any(person.is_active for person in there.values()):
        return None
    return choose_owner(Roster(there, roster.teams), case.kind, case.language)


def _above(roster: Roster, owner: Person) -> list[Person]:
    """Return those above the owner, up to the first who is at work."""
    found: list[Person] = []
    for person in roster.chain(owner.id)[1:]:
        found.append(person)
        if person.is_at_work:
            break
    return found


def _new_to(case: OwnedCase, owner: Person, above: list[Person]) -> tuple[PersonId, ...]:
    """Return who does not know yet: when those who were told go away too, the next one learns of it."""
    return tuple(person.id for person in (owner, *above) if person.id not in case.knowing)


def _is_back(case: OwnedCase, policy: Policy) -> bool:
    if case.back_on is None or case.due_at is None or case.broken_at is not None:
        return False
    return case.back_on <= policy.calendar.today(case.due_at)
