"""How people and teams are changed, and what is written about it, on every database."""

import asyncio
from datetime import date, timedelta

import pytest

from itaca.cases.people import Person
from itaca.cases.roles import Role
from itaca.cases.staff import NO_CIRCLE, NO_SELF
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage import staff
from itaca.storage import tables as t
from itaca.storage.accounts import find_account, first_admin, invited, role_of, set_password
from itaca.storage.desk_events import COMMAND_LINE, newest
from itaca.storage.desk_sessions import begin_session, signed_in
from itaca.storage.invitations import digest, invite_person
from itaca.storage.owner_timers import check_owners
from itaca.storage.people import list_people, list_teams
from itaca.storage.staff import Change, OutdatedError, Profile, person_version
from itaca.storage.team_changes import Timetable, change_team, found_team, set_hours, team_version
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, POLICY, Desk


def change(desk: Desk, by: Person) -> Change:
    return Change(by.id, "10.0.0.1", desk.now, desk.ledger.rng)


async def current(desk: Desk, person: Person) -> tuple[Person, str]:
    """Return a person as they are now, and the version of that."""

    def work(c) -> tuple[Person, str]:
        found = next(one for one in list_people(c) if one.id == person.id)
        return found, person_version(found, role_of(c, found.id))

    return await desk.ledger.database.read(work)


async def attempt(desk: Desk, by: Person, act, person: Person, *more: object) -> None:
    """Change a person as they are now."""
    _, version = await current(desk, person)
    await desk.ledger.database.write(lambda c: act(c, change(desk, by), person.id, *more, version))


async def with_access(desk: Desk, person: Person, role: Role) -> None:
    """Let somebody have a role, a password and a session."""

    def work(c) -> None:
        secret = invite_person(c, person.id, role, desk.now, timedelta(hours=1), desk.ledger.rng)
        set_password(c, digest(secret), "hash", desk.now)
        begin_session(c, person.name, person.id, desk.now, desk.now + timedelta(hours=1))

    await desk.ledger.database.write(work)


def profile(person: Person, **other: object) -> Profile:
    kept = {"name": person.name, "team_id": person.team_id, "languages": person.languages, "lead_id": person.lead_id}
    return Profile(**{**kept, **other})  # type: ignore[arg-type]


class StaffContract:
    """The fixture ``ledger_url`` names an empty ledger."""

    @pytest.fixture
    async def desk(self, ledger_url: str):
        """Give a ledger with an agent, their lead and the head above, who is the admin."""
        async with open_ledger(ledger_url) as ledger:
            desk = Desk(ledger)
            desk.agent, desk.lead, desk.head = await desk.staff("agent", "lead", "head")
            await with_access(desk, desk.head, Role.ADMIN)
            yield desk

    async def test_a_change_is_written_from_what_to_what_and_by_whom(self, desk: Desk) -> None:
        """Name, languages and lead are three lines of the trail, each with who did it."""
        wanted = profile(desk.agent, name="Anna", languages=("it", "de"), lead_id=desk.head.id)
        await attempt(desk, desk.head, staff.change_person, desk.agent, wanted)
        found, _ = await current(desk, desk.agent)
        assert (found.name, found.languages, found.lead_id) == ("Anna", ("it", "de"), desk.head.id)
        written = {one.kind.value: (one.person, one.detail, one.by, one.client) for one in await self._trail(desk)}
        assert written["name_changed"] == ("Anna", "agent → Anna", "head", "10.0.0.1")
        assert written["languages_set"] == ("Anna", "– → it, de", "head", "10.0.0.1")
        assert written["lead_given"] == ("Anna", "lead → head", "head", "10.0.0.1")
        assert "team_given" not in written

    async def test_a_new_address_takes_the_person_along(self, desk: Desk) -> None:
        """Cases and account are theirs as before, what has not left yet goes there, and the trail says so."""
        await with_access(desk, desk.agent, Role.AGENT)
        await desk.settle(COMPLAINT)
        old, new = desk.agent.email, "anna.rossi@bottega.example"
        (case,) = await desk.cases()
        await attempt(desk, desk.head, staff.change_address, desk.agent, f" {new.upper()} ")
        found, _ = await current(desk, desk.agent)
        assert (found.email, case.owner_id) == (new, desk.agent.id)
        assert {row.recipient for row in await desk.rows(t.outbox, kind="notice")} == {new}
        by_address = await desk.ledger.database.read(lambda c: (find_account(c, old), find_account(c, new)))
        assert (by_address[0], by_address[1] and by_address[1][0].person_id) == (None, desk.agent.id)
        (line,) = [one for one in await self._trail(desk) if one.kind.value == "address_changed"]
        assert (line.detail, line.by) == (f"{old} → {new}", "head")

    @pytest.mark.parametrize("wrong", ["", "anna", "anna@bottega.example\r\nbcc: x", "a b@bottega.example"])
    async def test_what_is_no_address_is_refused(self, desk: Desk, wrong: str) -> None:
        """Nor is one that somebody else has, though they have left; the own one again changes nothing."""
        with pytest.raises(PermanentError, match=staff.UNNAMED):
            await attempt(desk, desk.head, staff.change_address, desk.agent, wrong)
        await attempt(desk, desk.head, staff.leave, desk.lead)
        with pytest.raises(PermanentError, match=staff.SAME_ADDRESS):
            await attempt(desk, desk.head, staff.change_address, desk.agent, desk.lead.email)
        await attempt(desk, desk.head, staff.change_address, desk.agent, desk.agent.email)
        assert "address_changed" not in {one.kind.value for one in await self._trail(desk)}

    async def test_of_two_changes_at_once_the_second_is_refused(self, desk: Desk) -> None:
        """Who saw the person as they were before says it again, knowing what changed."""
        seen, version = await current(desk, desk.agent)
        await attempt(desk, desk.head, staff.change_person, desk.agent, profile(seen, name="Anna"))
        late = profile(seen, name="Annina")
        for act in (lambda c: staff.change_person(c, change(desk, desk.head), seen.id, late, version),
                    lambda c: staff.leave(c, change(desk, desk.head), seen.id, version)):  # fmt: skip
            with pytest.raises(OutdatedError):
                await desk.ledger.database.write(act)
        assert (await current(desk, seen))[0].name == "Anna"

    async def test_the_chain_has_a_top(self, desk: Desk) -> None:
        """Nobody leads themselves, and no circle closes, not even by two halves at the same moment."""
        with pytest.raises(PermanentError, match=NO_SELF):
            await attempt(desk, desk.head, staff.change_person, desk.head, profile(desk.head, lead_id=desk.head.id))
        with pytest.raises(PermanentError, match=NO_CIRCLE):
            await attempt(desk, desk.head, staff.change_person, desk.head, profile(desk.head, lead_id=desk.agent.id))
        first, second = await desk.staff("first"), await desk.staff("second")
        halves = [(first[0], second[0]), (second[0], first[0])]
        done = await asyncio.gather(
            *(
                attempt(desk, desk.head, staff.change_person, one, profile(one, lead_id=two.id))
                for one, two in halves
            ),
            return_exceptions=True,
        )
        assert [type(one) for one in done if one is not None] == [PermanentError]

    async def test_the_last_admin_stays(self, desk: Desk) -> None:
        """Neither another role nor leaving is possible, until a second admin can sign in, and then for one only."""
        for act, more in ((staff.give_role, (Role.AGENT,)), (staff.leave, ())):
            with pytest.raises(PermanentError, match=staff.LAST_ADMIN):
                await attempt(desk, desk.head, act, desk.head, *more)
        await with_access(desk, desk.lead, Role.ADMIN)
        both = await asyncio.gather(
            attempt(desk, desk.head, staff.give_role, desk.lead, Role.LEAD),
            attempt(desk, desk.lead, staff.give_role, desk.head, Role.LEAD),
            return_exceptions=True,
        )
        assert [str(one) for one in both if one is not None] == [staff.LAST_ADMIN]

    async def test_an_admin_who_left_counts_for_nothing(self, desk: Desk) -> None:
        """The one who is here is the last, and with nobody left the next start invites a first admin."""
        await with_access(desk, desk.lead, Role.ADMIN)
        await attempt(desk, desk.lead, staff.leave, desk.head)
        with pytest.raises(PermanentError, match=staff.LAST_ADMIN):
            await attempt(desk, desk.lead, staff.give_role, desk.lead, Role.LEAD)
        await desk.ledger.database.write(
            lambda c: c.execute(t.people.update().where(t.people.c.id == desk.lead.id).values(is_active=False))
        )
        assert await desk.ledger.database.read(first_admin) == desk.agent.id

    async def test_a_new_role_ends_the_sessions_of_the_old_one(self, desk: Desk) -> None:
        """It counts at once."""
        await with_access(desk, desk.lead, Role.LEAD)
        await attempt(desk, desk.head, staff.give_role, desk.lead, Role.AGENT)
        assert await desk.ledger.database.read(lambda c: signed_in(c, "lead", desk.now)) is None
        assert "lead → agent" in [one.detail for one in await self._trail(desk)]

    async def test_who_leaves_loses_access_and_hands_the_cases_on(self, desk: Desk) -> None:
        """No session, no link, and the watch gives the open cases to somebody who is there; they may come back."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        owner = next(one for one in (desk.agent, desk.lead, desk.head) if one.id == case.owner_id)
        await with_access(desk, owner, Role.AGENT)
        secret = await desk.ledger.database.write(
            lambda c: invite_person(c, owner.id, Role.AGENT, desk.now, timedelta(hours=1), desk.ledger.rng)
        )
        await attempt(desk, desk.head, staff.leave, owner)
        now = desk.now
        assert await desk.ledger.database.read(lambda c: signed_in(c, owner.name, now)) is None
        await desk.ledger.database.write(lambda c: check_owners(c, now, POLICY, desk.ledger.rng, "watch"))
        (case,) = await desk.cases()
        assert case.owner_id not in (None, owner.id)
        await attempt(desk, desk.head, staff.come_back, owner)
        assert (await current(desk, owner))[0].is_active
        assert await desk.ledger.database.read(lambda c: invited(c, digest(secret), now)) is None
        assert {"left", "returned"} <= {one.kind.value for one in await self._trail(desk)}

    async def test_somebody_stays(self, desk: Desk) -> None:
        """Without anybody no case has an owner."""
        await with_access(desk, desk.agent, Role.ADMIN)
        for person in (desk.lead, desk.head):
            await attempt(desk, desk.agent, staff.leave, person)
        others = "UPDATE accounts SET role = 'agent'"
        await desk.ledger.database.write(lambda c: c.exec_driver_sql(others))
        with pytest.raises(PermanentError, match="somebody must stay"):
            await attempt(desk, desk.agent, staff.leave, desk.agent)

    async def test_absences_stand_apart(self, desk: Desk) -> None:
        """Days that are covered already are refused, and so are days in the wrong order; struck, they are free."""
        first = date(2026, 8, 3)
        note, by = staff.note_absence, change(desk, desk.lead)
        write, agent = desk.ledger.database.write, PersonId(desk.agent.id)
        await write(lambda c: note(c, by, agent, first, date(2026, 8, 21)))
        for days in ((first, first), (date(2026, 8, 21), date(2026, 8, 30)), (date(2026, 7, 1), date(2026, 9, 1))):
            with pytest.raises(PermanentError, match=staff.OVERLAP):
                await write(lambda c, d=days: note(c, by, agent, *d))
        with pytest.raises(PermanentError, match=staff.DAYS_TURNED):
            await write(lambda c: note(c, by, agent, date(2026, 9, 2), date(2026, 9, 1)))
        await write(lambda c: note(c, by, agent, date(2026, 8, 22), date(2026, 8, 22)))
        await write(lambda c: staff.strike_absence(c, by, agent, first))
        await write(lambda c: staff.strike_absence(c, by, agent, first))
        await write(lambda c: note(c, by, agent, first, first))
        trail = [(one.kind.value, one.detail, one.by) for one in await self._trail(desk)]
        assert trail.count(("absence_struck", "2026-08-03", "lead")) == 1
        assert [kind for kind, _, _ in trail].count("absence_noted") == 3

    async def test_a_new_colleague_is_somebody_new(self, desk: Desk) -> None:
        """The address is taken once, in whatever case it is written."""
        wanted = Profile("Chiara", desk.agent.team_id, (), desk.lead.id)
        added = await desk.ledger.database.write(
            lambda c: staff.add_colleague(c, change(desk, desk.head), " Chiara@Shop.example", wanted)
        )
        assert (added.email, added.lead_id) == ("chiara@shop.example", desk.lead.id)
        with pytest.raises(PermanentError, match=staff.SAME_ADDRESS):
            await desk.ledger.database.write(
                lambda c: staff.add_colleague(c, change(desk, desk.head), "CHIARA@shop.example", wanted)
            )

    async def test_the_command_line_is_in_the_trail(self, desk: Desk) -> None:
        """Nobody is named, but from where; an absence that begins on the same day is corrected."""
        by = Change(None, COMMAND_LINE, desk.now, desk.ledger.rng)
        first, write = date(2026, 8, 3), desk.ledger.database.write
        for last in (date(2026, 8, 21), date(2026, 8, 7)):
            await write(lambda c, d=last: staff.correct_absence(c, by, desk.agent.id, first, d))
        (left,) = await desk.rows(t.absences)
        assert (left.first_day, left.last_day) == (first, date(2026, 8, 7))
        with pytest.raises(PermanentError, match="refuses"):
            await write(lambda c: staff.correct_absence(c, by, desk.agent.id, first, date(2026, 8, 1)))
        trail = [(one.detail, one.by, one.client) for one in await self._trail(desk) if one.person == "agent"]
        days = ("2026-08-03 → 2026-08-07", "2026-08-03 → 2026-08-21")
        assert sorted(trail) == [(detail, "", COMMAND_LINE) for detail in days]

    async def test_teams_change_their_name_what_they_take_and_when_they_work(self, desk: Desk) -> None:
        """Each is compared with what was seen, and written down; hours of nobody's are the company's."""
        write, by = desk.ledger.database.write, change(desk, desk.head)
        team = await write(lambda c: found_team(c, by, "Resi", (CaseKind.COMPLAINT,)))
        with pytest.raises(PermanentError, match="another team"):
            await write(lambda c: found_team(c, by, "Resi", ()))
        old = team_version(team)
        await write(lambda c: change_team(c, by, team.id, "Resi e reclami", (), old))
        with pytest.raises(OutdatedError):
            await write(lambda c: set_hours(c, by, team.id, Timetable("mon-fri 8-14"), old))
        wanted = Timetable("mon-fri 8-14; sat 9-12", province="MI", closed_days=("12-24",))
        version = team_version(await self._team(desk, team.id))
        await write(lambda c: set_hours(c, by, team.id, wanted, version))
        found = await self._team(desk, team.id)
        assert Timetable.of(found) == Timetable("mon-fri 8-14; sat 9-12", "IT", "MI", ["12-24"])
        version = team_version(found)
        await write(lambda c: set_hours(c, by, team.id, Timetable(""), version))
        assert (await self._team(desk, team.id)).calendar is None
        said = [one.detail for one in await self._trail(desk) if one.kind.value == "hours_set"]
        assert sorted(said) == [
            "Resi e reclami: mon-fri 8-14; sat 9-12 IT MI 12-24 → –",
            "Resi e reclami: – → mon-fri 8-14; sat 9-12 IT MI 12-24",
        ]
        assert [row.kinds for row in await desk.rows(t.teams, id=team.id)] == [[]]

    async def _team(self, desk: Desk, team_id: str):
        return next(one for one in await desk.ledger.database.read(list_teams) if one.id == team_id)

    async def _trail(self, desk: Desk):
        return await desk.ledger.database.read(newest)
