"""Changes of people: one at a time, on the person as they were seen, and each written down with who did it."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update

from itaca.cases.people import Person, Roster
from itaca.cases.roles import Role
from itaca.cases.staff import NOBODY, check_lead
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import OutboxKind
from itaca.errors import PermanentError
from itaca.storage.accounts import admins_who_can_sign_in, end_invitation, role_of, set_role
from itaca.storage.conditions import is_unsent
from itaca.storage.desk_events import DoorEvent, note
from itaca.storage.desk_people import end_absence
from itaca.storage.desk_sessions import end_sessions
from itaca.storage.people import add_person, list_people, list_teams, set_absence
from itaca.storage.tables import absences, outbox, people

LAST_ADMIN = "the last admin stays one"
LAST_PERSON = "somebody must stay: nobody else could answer for cases"
OVERLAP = "there is an absence on some of these days already: strike it first"
DAYS_TURNED = "the last day must not come before the first"
SAME_ADDRESS = "somebody else has this address"
UNNAMED = "a name and an address are needed"
NO_TEAM = "there is no such team"
ARROW = " → "
_TO_COLLEAGUES = (OutboxKind.NOTICE.value, OutboxKind.DAILY_LIST.value)


class OutdatedError(PermanentError):
    """Somebody else changed it after this person saw it; nothing was done."""


@dataclass(frozen=True)
class Change:
    """Who changes something, from which network address, and when; nobody in person where it is the command line."""

    by: PersonId | None
    client: str
    now: datetime
    rng: random.Random

    def note(self, conn: Connection, kind: DoorEvent, person_id: PersonId | None, detail: str = "") -> None:
        """Write it into the trail."""
        note(conn, kind, self.now, self.rng, person_id=person_id, client=self.client, detail=detail, by_id=self.by)


@dataclass(frozen=True)
class Profile:
    """What an admin may say of a person. ``languages`` are two-letter codes; none means any."""

    name: str
    team_id: str
    languages: tuple[str, ...] = ()
    lead_id: PersonId | None = None


def one_at_a_time(conn: Connection) -> None:
    """Let changes of people and teams wait for each other: two halves of a circle, two last admins."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("people and teams", 0))))


def fingerprint(*seen: object) -> str:
    """Return what stands for the values that a page showed; a form carries it back."""
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def person_version(person: Person, role: Role | None) -> str:
    """Return the version of a person as a page shows them."""
    values = (person.name, person.email, person.team_id, person.languages, person.lead_id, person.is_active)
    return fingerprint(*values, role)


def everybody(conn: Connection) -> Roster:
    """Return everybody and every team, without presence and load."""
    return Roster({one.id: one for one in list_people(conn)}, {one.id: one for one in list_teams(conn)})


def add_colleague(conn: Connection, change: Change, email: str, profile: Profile) -> Person:
    """Add somebody who answers for cases.

    Raises:
        PermanentError: the address is none or taken, or team or lead cannot be.
    """
    one_at_a_time(conn)
    roster = everybody(conn)
    address = _free_address(roster, email)
    if not profile.name:
        raise PermanentError(UNNAMED)
    if profile.team_id not in roster.teams:
        raise PermanentError(NO_TEAM)
    if profile.lead_id is not None:
        check_lead(roster, PersonId(""), profile.lead_id)
    values = (profile.name, address, profile.team_id, change.now, change.rng, profile.languages, profile.lead_id)
    person = add_person(conn, *values)
    change.note(conn, DoorEvent.PERSON_ADDED, person.id, roster.teams[profile.team_id].name)
    return person


def change_person(conn: Connection, change: Change, person_id: PersonId, wanted: Profile, version: str) -> None:
    """Change name, team, languages and lead; the trail says from what to what.

    Raises:
        OutdatedError: somebody else changed the person meanwhile.
        PermanentError: no name, no such team, or a lead with whom the chain would have no top.
    """
    roster, person = _hold(conn, person_id, version)
    if not wanted.name:
        raise PermanentError(UNNAMED)
    if wanted.team_id not in roster.teams:
        raise PermanentError(NO_TEAM)
    if wanted.lead_id is not None and wanted.lead_id != person.lead_id:
        check_lead(roster, person_id, wanted.lead_id)
    values = {
        "name": wanted.name,
        "team_id": wanted.team_id,
        "languages": list(wanted.languages),
        "lead_id": wanted.lead_id,
    }
    conn.execute(update(people).where(people.c.id == person_id).values(values))
    for kind, before, after in _differences(roster, person, wanted):
        if before != after:
            change.note(conn, kind, person_id, f"{before}{ARROW}{after}")


def change_address(conn: Connection, change: Change, person_id: PersonId, email: str, version: str) -> None:
    """Change the address by which somebody signs in, and to which notices of their cases go.

    Cases, sessions, the password and the tie to a provider are the person's and stay; notices that have not left
    yet go to the new address.

    Raises:
        OutdatedError: somebody else changed the person meanwhile.
        PermanentError: it is no address, or somebody else's.
    """
    roster, person = _hold(conn, person_id, version)
    address = _free_address(roster, email, person)
    if address == person.email:
        return
    conn.execute(update(people).where(people.c.id == person_id).values(email=address))
    mine = (outbox.c.kind.in_(_TO_COLLEAGUES), outbox.c.recipient == person.email, is_unsent())
    conn.execute(update(outbox).where(*mine).values(recipient=address))
    change.note(conn, DoorEvent.ADDRESS_CHANGED, person_id, f"{person.email}{ARROW}{address}")


def give_role(conn: Connection, change: Change, person_id: PersonId, role: Role, version: str) -> None:
    """Change what somebody may do at the desk; everybody but oneself is signed out by it.

    Raises:
        OutdatedError: somebody else changed the person meanwhile.
        PermanentError: the person is the last admin, or has no access yet.
    """
    _hold(conn, person_id, version)
    before = role_of(conn, person_id)
    keep_an_admin(conn, person_id, role)
    if before is None:
        raise PermanentError(NOBODY)
    set_role(conn, person_id, role)
    if before is not role:
        change.note(conn, DoorEvent.ROLE_GIVEN, person_id, f"{before.value}{ARROW}{role.value}")
    if person_id != change.by:
        end_sessions(conn, person_id)


def leave(conn: Connection, change: Change, person_id: PersonId, version: str) -> None:
    """Note that somebody has left: no access from now on, and the watch hands their open cases on.

    Raises:
        OutdatedError: somebody else changed the person meanwhile.
        PermanentError: nobody would be left, or no admin.
    """
    roster, person = _hold(conn, person_id, version)
    if not person.is_active:
        return
    keep_an_admin(conn, person_id, None)
    if len(roster.active()) == 1:
        raise PermanentError(LAST_PERSON)
    conn.execute(update(people).where(people.c.id == person_id).values(is_active=False))
    end_invitation(conn, person_id)
    end_sessions(conn, person_id)
    change.note(conn, DoorEvent.LEFT, person_id)


def come_back(conn: Connection, change: Change, person_id: PersonId, version: str) -> None:
    """Note that somebody who had left is here again, with the role and the password of before.

    Raises:
        OutdatedError: somebody else changed the person meanwhile.
    """
    _, person = _hold(conn, person_id, version)
    if not person.is_active:
        conn.execute(update(people).where(people.c.id == person_id).values(is_active=True))
        change.note(conn, DoorEvent.RETURNED, person_id)


def note_absence(conn: Connection, change: Change, person_id: PersonId, first: date, last: date) -> None:
    """Note that somebody is away from ``first`` to ``last``, both included.

    Raises:
        PermanentError: the days are in the wrong order, or an absence covers some of them already.
    """
    one_at_a_time(conn)
    if last < first:
        raise PermanentError(DAYS_TURNED)
    own = absences.c.person_id == person_id
    if conn.execute(select(absences).where(own, absences.c.first_day <= last, absences.c.last_day >= first)).first():
        raise PermanentError(OVERLAP)
    conn.execute(insert(absences).values(person_id=person_id, first_day=first, last_day=last))
    change.note(conn, DoorEvent.ABSENCE_NOTED, person_id, f"{first}{ARROW}{last}")


def correct_absence(conn: Connection, change: Change, person_id: PersonId, first: date, last: date) -> None:
    """Note that somebody is away from ``first`` to ``last``, in place of what was noted from the same day on.

    Raises:
        PermanentError: (from the database's door) nobody has this id, or the days are in the wrong order.
    """
    one_at_a_time(conn)
    set_absence(conn, person_id, first, last)
    change.note(conn, DoorEvent.ABSENCE_NOTED, person_id, f"{first}{ARROW}{last}")


def strike_absence(conn: Connection, change: Change, person_id: PersonId, first: date) -> None:
    """Strike the absence that begins on this day; one that is struck already stays so."""
    if end_absence(conn, person_id, first):
        change.note(conn, DoorEvent.ABSENCE_STRUCK, person_id, str(first))


def keep_an_admin(conn: Connection, person_id: PersonId, role: Role | None) -> None:
    """Refuse what would leave nobody who can give roles; it could not be undone.

    Args:
        role: the new one; None for somebody who leaves.

    Raises:
        PermanentError: this person is the last admin who can sign in.
    """
    if role is not Role.ADMIN and list(admins_who_can_sign_in(conn)) == [person_id]:
        raise PermanentError(LAST_ADMIN)


def _hold(conn: Connection, person_id: PersonId, version: str) -> tuple[Roster, Person]:
    one_at_a_time(conn)
    roster = everybody(conn)
    person = roster.people.get(person_id)
    if person is None or person_version(person, role_of(conn, person_id)) != version:
        raise OutdatedError("the person was changed meanwhile")
    return roster, person


def _free_address(roster: Roster, email: str, person: Person | None = None) -> str:
    """Return an address as it is kept; ``person`` may have it already."""
    address = email.strip().lower()
    if "@" not in address or any(char.isspace() or not char.isprintable() for char in address):
        raise PermanentError(UNNAMED)
    if any(one.email == address and one != person for one in roster.people.values()):
        raise PermanentError(SAME_ADDRESS)
    return address


def _differences(roster: Roster, person: Person, wanted: Profile) -> Sequence[tuple[DoorEvent, str, str]]:
    leads = [roster.people[one].name if one else "–" for one in (person.lead_id, wanted.lead_id)]
    teams = [roster.teams[one].name for one in (person.team_id, wanted.team_id)]
    return (
        (DoorEvent.NAME_CHANGED, person.name, wanted.name),
        (DoorEvent.TEAM_GIVEN, teams[0], teams[1]),
        (DoorEvent.LANGUAGES_SET, ", ".join(person.languages) or "–", ", ".join(wanted.languages) or "–"),
        (DoorEvent.LEAD_GIVEN, leads[0], leads[1]),
    )
