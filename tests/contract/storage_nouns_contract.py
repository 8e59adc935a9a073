"""What every database must do for mails and people: texts, one settlement, driving again, the roster."""

import asyncio
from datetime import date, timedelta

import pytest

from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.errors import PermanentError
from itaca.mail.model import Entity, EntityKind, MailText
from itaca.storage import mails as ledger_mails
from itaca.storage.people import (
    add_person,
    add_team,
    ensure_first_owner,
    list_people,
    load_roster,
    set_absence,
)
from tests.support.ledger import NOW, Ledger


class MailContract:
    """Texts, settlement and driving again."""

    async def test_texts_are_saved_and_replaced(self, ledger: Ledger) -> None:
        """Saving a text twice keeps the later one; odd characters survive in the text."""
        one, two = await ledger.accept(b"1"), await ledger.accept(b"2")
        code = Entity(kind=EntityKind.ORDER_NUMBER, value="A1")
        first = MailText(subject="perché \x00?", message_id="<a@b>", sender="anna@example.org", entities=(code,))
        second = MailText(subject="di nuovo", message_id="<c\x00@d>")
        await ledger.database.write(lambda c: ledger_mails.save_texts(c, [(one, first), (two, first)]))
        await ledger.database.write(lambda c: ledger_mails.save_texts(c, [(two, second)]))
        found = await ledger.database.read(lambda c: ledger_mails.load_texts(c, [one, two, MailId("none")]))
        assert found == {one: first, two: second}
        by_id = await ledger.database.read(lambda c: ledger_mails.find_by_message_id(c, "<c\x00@d>"))
        assert by_id == [two]

    async def test_lm9_one_message_id_on_two_mails_finds_both(self, ledger: Ledger) -> None:
        """LM9: a Message-ID is no key: all mails that carry it are found, newest first."""
        one = await ledger.accept(b"1")
        await ledger.clock.advance(timedelta(seconds=1))
        two = await ledger.accept(b"2")
        same = MailText(message_id="<a@b>")
        await ledger.database.write(lambda c: ledger_mails.save_texts(c, [(one, same), (two, same)]))
        found = await ledger.database.read(lambda c: ledger_mails.find_by_message_id(c, "<a@b>"))
        assert found == [two, one]

    async def test_a_mail_is_settled_once(self, ledger: Ledger, second_ledger: Ledger) -> None:
        """T3: of many that settle one mail at once exactly one wins, and its outcome stays."""
        mail_id = await ledger.accept()
        outcomes = [MailOutcome.CASE, MailOutcome.NOTED] * 5
        won = await asyncio.gather(
            *(
                (ledger, second_ledger)[n % 2].database.write(
                    lambda c, o=outcome: ledger_mails.settle(c, mail_id, o, "router", NOW)
                )
                for n, outcome in enumerate(outcomes)
            )
        )
        assert won.count(True) == 1
        row = (await ledger.database.read(lambda c: ledger_mails.load_mails(c, [mail_id])))[mail_id]
        assert (row.outcome, row.settled_by, row.settled_at) == (outcomes[won.index(True)], "router", NOW)

    async def test_unsettled_mail_is_driven_again_with_doubling_intervals(self, ledger: Ledger) -> None:
        """The first drive comes after 60 s, then the pause doubles up to 15 minutes; attempts are counted."""
        await ledger.accept()
        pauses, before = [], NOW
        for _ in range(7):
            row = None
            while row is None:
                await ledger.clock.advance(timedelta(seconds=30))
                now = ledger.clock.now()
                due = await ledger.database.write(lambda c, n=now: ledger_mails.claim_unsettled(c, n, 10))
                row = due[0] if due else None
            pauses.append((now - before).total_seconds())
            before = now
        assert pauses == [60, 120, 240, 480, 900, 900, 900]
        assert row.attempts == 8

    async def test_settled_mail_is_never_driven(self, ledger: Ledger) -> None:
        """Only what has no outcome is claimed, at most ``limit`` of it, and two watches never share a mail."""
        ids = [await ledger.accept(b"%d" % n) for n in range(6)]
        for mail_id in ids[:2]:
            await ledger.database.write(lambda c, i=mail_id: ledger_mails.settle(c, i, MailOutcome.NOTED, "r", NOW))
        later = NOW + timedelta(minutes=2)
        claims = await asyncio.gather(
            *(ledger.database.write(lambda c: ledger_mails.claim_unsettled(c, later, 3)) for _ in range(3))
        )
        claimed = [row.id for rows in claims for row in rows]
        assert sorted(claimed) == sorted(ids[2:])
        assert max(len(rows) for rows in claims) == 3


class PeopleContract:
    """Teams, people, absences and load."""

    async def test_first_owner_is_made_once(self, ledger: Ledger, second_ledger: Ledger) -> None:
        """Many processes that start at once make one owner, in a team that handles every kind."""
        made = await asyncio.gather(
            *(
                each.database.write(lambda c, e=each: ensure_first_owner(c, "Boss@Shop.example", "Boss", NOW, e.rng))
                for each in (ledger, second_ledger)
            )
        )
        assert sorted(created for _, created in made) == [False, True]
        roster = await ledger.database.read(lambda c: load_roster(c, NOW.date()))
        assert [p.email for p in roster.active()] == ["boss@shop.example"]
        assert all(team.handles(kind) for team in roster.teams.values() for kind in CaseKind)

    async def test_roster_knows_presence_languages_lead_and_load(self, ledger: Ledger) -> None:
        """The roster carries what the choice of an owner asks for, on the day it is asked for."""
        boss = await ledger.owner()
        mail_id = await ledger.accept()
        await ledger.open_case(mail_id)
        await ledger.open_case(mail_id, CaseKind.CANCELLATION)
        team = await ledger.database.write(
            lambda c: add_team(c, "disdette", [CaseKind.CANCELLATION], NOW, ledger.rng)
        )
        euryclea = await ledger.database.write(
            lambda c: add_person(c, "Euriclea", "e@s.example", team.id, NOW, ledger.rng, ("it", "de"), boss.id)
        )
        day = date(2026, 3, 9)
        await ledger.database.write(lambda c: set_absence(c, euryclea.id, day, day))
        await ledger.database.write(lambda c: set_absence(c, euryclea.id, day, day + timedelta(days=2)))
        rosters = [
            await ledger.database.read(lambda c, d=d: load_roster(c, day + timedelta(days=d))) for d in (-1, 0, 2, 3)
        ]
        assert [r.people[euryclea.id].is_present for r in rosters] == [True, False, False, True]
        person = rosters[0].people[euryclea.id]
        assert (person.languages, person.lead_id, person.open_cases) == (("it", "de"), boss.id, 0)
        assert rosters[0].people[boss.id].open_cases == 2
        assert rosters[0].teams[team.id] == team
        assert [p.id for p in rosters[0].chain(euryclea.id)] == [euryclea.id, boss.id]
        assert [p.name for p in await ledger.database.read(list_people)] == ["Euriclea", "Penelope"]

    async def test_nobody_leads_themselves_and_addresses_are_unique(self, ledger: Ledger) -> None:
        """The schema refuses a second person with one address and a team that does not exist."""
        boss = await ledger.owner()
        for email, team_id in ((boss.email.upper(), boss.team_id), ("new@s.example", "nowhere")):
            with pytest.raises(PermanentError):
                await ledger.database.write(lambda c, e=email, t=team_id: add_person(c, "X", e, t, NOW, ledger.rng))
