"""Who may sign in and what is written about it, on every database."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from itaca.cases.people import Person
from itaca.cases.roles import Role
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.accounts import find_account, first_admin, set_password
from itaca.storage.desk_events import (
    STRANGERS_LINES,
    STRANGERS_WINDOW,
    DoorEvent,
    newest,
    note,
    note_of_stranger,
    refusals,
)
from itaca.storage.desk_live import case_versions, newest_happenings, newest_mail
from itaca.storage.desk_sessions import (
    PRESENT_FOR,
    also_looking,
    begin_session,
    end_session,
    look_at,
    look_away,
    signed_in,
    still_signed_in,
)
from itaca.storage.invitations import digest, invite_first_admin, invite_person
from tests.support.ledger import open_ledger
from tests.support.routed import Desk


class DoorContract:
    """The fixture ``ledger_url`` names an empty ledger."""

    @pytest.fixture
    async def desk(self, ledger_url: str):
        """Give a ledger with an agent and their lead."""
        async with open_ledger(ledger_url) as ledger:
            desk = Desk(ledger)
            desk.agent, desk.lead = await desk.staff("agent", "lead")
            yield desk

    async def test_a_link_sets_one_password_and_ends(self, desk: Desk) -> None:
        """Used, replaced or too old, it counts no more."""
        write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
        first = await write(lambda c: invite_first_admin(c, now, timedelta(hours=1), rng))
        second = await write(lambda c: invite_first_admin(c, now, timedelta(hours=1), rng))
        assert first is not None
        assert second is not None
        assert await write(lambda c: set_password(c, digest(first), "hash", now)) is None
        assert await write(lambda c: set_password(c, digest(second), "hash", now + timedelta(hours=2))) is None
        kept = await write(lambda c: set_password(c, digest(second), "hash", now))
        assert kept is not None
        assert kept.role is Role.ADMIN
        assert await write(lambda c: set_password(c, digest(second), "other", now)) is None
        assert await desk.ledger.database.read(first_admin) is None

    async def test_a_session_ends_by_its_date_and_by_signing_out(self, desk: Desk) -> None:
        """A cookie of yesterday opens nothing."""
        write, now = desk.ledger.database.write, desk.now
        for person in (desk.agent, desk.lead):
            await self._let_in(desk, person, now)
        read = desk.ledger.database.read
        assert (await read(lambda c: signed_in(c, "agent", now))).email == "agent@shop.example"
        assert await read(lambda c: signed_in(c, "agent", now + timedelta(hours=2))) is None
        assert await read(lambda c: still_signed_in(c, ["agent", "lead", "x"], now)) == {"agent", "lead"}
        await write(lambda c: end_session(c, "agent"))
        assert await read(lambda c: signed_in(c, "agent", now)) is None
        assert await read(lambda c: still_signed_in(c, ["agent", "lead"], now)) == {"lead"}
        assert await read(lambda c: still_signed_in(c, ["lead"], now + timedelta(hours=2))) == set()

    async def test_people_on_one_case_see_each_other(self, desk: Desk) -> None:
        """Each with several cases open, until they close them, sign out or are not seen for a while."""
        write, read, now = desk.ledger.database.write, desk.ledger.database.read, desk.now

        async def seen(reference: str, at: datetime = now) -> list[str]:
            return await read(lambda c: also_looking(c, reference, desk.agent.id, at))

        for person in (desk.agent, desk.lead):
            await self._let_in(desk, person, now)
        looks = [("lead", "IT-1"), ("lead", "IT-2"), ("agent", "IT-1")]
        for _ in range(2):
            await write(lambda c: look_at(c, looks, now))
        assert (await seen("IT-1"), await seen("IT-2"), await seen("IT-3")) == (["lead"], ["lead"], [])
        assert await seen("IT-1", now + PRESENT_FOR) == []
        await write(lambda c: look_away(c, looks[:1]))
        assert (await seen("IT-1"), await seen("IT-2")) == ([], ["lead"])
        await write(lambda c: end_session(c, "lead"))
        assert await seen("IT-2") == []
        assert [row.token_hash for row in await desk.rows(t.lookers)] == ["agent"]

    async def test_what_changed_is_seen_by_a_few_entries_of_indexes(self, desk: Desk) -> None:
        """The newest lines of all histories, whose cases they concern, and the versions of cases that are open."""
        read, ledger = desk.ledger.database.read, desk.ledger

        async def news(seen: set[str] | None) -> tuple[set[str], list[tuple[str, str]]]:
            ids, found = await read(lambda c: newest_happenings(c, seen, limit=2))
            assert {one.owner_id for one in found} <= {(await ledger.owner()).id}
            return ids, [(one.kind, one.case_kind) for one in found]

        assert (await news(None), await read(newest_mail)) == ((set(), []), "")
        first = await ledger.open_case(await ledger.accept(b"one"))
        ids, _ = await news(None)
        assert (len(ids), await news(ids)) == (1, (ids, []))
        newest = await ledger.accept(b"two")
        await ledger.open_case(newest, CaseKind.REVIEW)
        assert await read(newest_mail) == newest
        assert (await news(ids))[1] == [("opened", "review")]
        (row,) = [one for one in await desk.rows(t.cases) if one.id == first]
        assert await read(lambda c: case_versions(c, [row.reference, "IT-0"])) == {row.reference: 1}

    async def test_what_happens_at_the_door_is_counted_and_never_changed(self, desk: Desk) -> None:
        """Refusals are counted by network address and by person; the trail is neither rewritten nor shortened."""
        write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
        for client, subject in (("10.0.0.1", "a"), ("10.0.0.1", "b"), ("10.0.0.2", "a")):
            await write(lambda c, x=client, y=subject: note(c, DoorEvent.REFUSED, now, rng, client=x, subject=y))
        since = now - timedelta(minutes=15)
        assert await desk.ledger.database.read(lambda c: refusals(c, "10.0.0.1", "a", since)) == (2, 2)
        assert len(await desk.ledger.database.read(newest)) == 3
        for statement in (t.desk_events.update().values(client=""), t.desk_events.delete()):
            with pytest.raises(PermanentError, match="refuses"):
                await write(lambda c, s=statement: c.execute(s))

    async def test_a_stranger_does_not_fill_the_trail(self, desk: Desk) -> None:
        """What costs nothing to do is written down so many times for each network address, then later again."""

        async def knock(client: str, now: datetime, times: int) -> int:
            def work(conn: Connection) -> None:
                for _ in range(times):
                    note_of_stranger(conn, DoorEvent.FORGED, now, desk.ledger.rng, client=client, detail="POST")

            await desk.ledger.database.write(work)
            found = await desk.ledger.database.read(lambda c: newest(c, 1000))
            return sum(one.client == client for one in found)

        assert await knock("10.0.0.1", desk.now, STRANGERS_LINES + 9) == STRANGERS_LINES
        assert await knock("10.0.0.2", desk.now, 1) == 1
        assert await knock("10.0.0.1", desk.now + STRANGERS_WINDOW, 1) == STRANGERS_LINES + 1

    async def test_whoever_left_cannot_sign_in(self, desk: Desk) -> None:
        """An account is as active as its person."""
        await self._let_in(desk, desk.agent, desk.now)
        await desk.ledger.database.write(
            lambda c: c.execute(t.people.update().where(t.people.c.id == desk.agent.id).values(is_active=False))
        )
        assert await desk.ledger.database.read(lambda c: find_account(c, "agent@shop.example")) is None
        assert await desk.ledger.database.read(lambda c: signed_in(c, "agent", desk.now)) is None

    async def _let_in(self, desk: Desk, person: Person, now: datetime) -> None:
        rng = desk.ledger.rng

        def work(c) -> None:
            secret = invite_person(c, PersonId(person.id), Role.AGENT, now, timedelta(hours=1), rng)
            set_password(c, digest(secret), "hash", now)
            begin_session(c, person.name, PersonId(person.id), now, now + timedelta(hours=1))

        await desk.ledger.database.write(work)
