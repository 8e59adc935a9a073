"""By which subject of a provider somebody signs in, and when an answer is owed anew, on every database."""

import asyncio
from datetime import datetime, timedelta

import pytest

from itaca.cases.roles import Role
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseOutcome, OutboxKind, OutboxState
from itaca.storage import tables as t
from itaca.storage.accounts import list_accounts
from itaca.storage.cases import close_case
from itaca.storage.departures import failed
from itaca.storage.identities import UnknownError, account_of_subject, bind, is_bound, unbind
from itaca.storage.invitations import invite_person
from itaca.storage.moments import from_micros
from itaca.storage.outbox import enqueue
from itaca.storage.staff import Change
from itaca.storage.team_calendars import set_team_calendar
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, Desk

ISSUER, OTHER = "https://id.example", "https://other.example"
AGENT = "agent@shop.example"


class IdentitiesContract:
    """The fixture ``ledger_url`` names an empty ledger."""

    @pytest.fixture
    async def desk(self, ledger_url: str):
        """Give a ledger with an agent who has a role and a lead who has none."""
        async with open_ledger(ledger_url) as ledger:
            desk = Desk(ledger)
            desk.agent, desk.lead = await desk.staff("agent", "lead")
            now, rng = desk.now, ledger.rng
            await ledger.database.write(
                lambda c: invite_person(c, desk.agent.id, Role.AGENT, now, timedelta(hours=1), rng)
            )
            yield desk

    async def test_the_first_subject_is_the_person(self, desk: Desk) -> None:
        """Another one with the same address is nobody, at this provider; undone, the tie is made anew."""
        write, read, now = desk.ledger.database.write, desk.ledger.database.read, desk.now
        assert await read(lambda c: account_of_subject(c, ISSUER, "first")) is None
        assert (await write(lambda c: bind(c, ISSUER, "first", " Agent@shop.example", now))).email == AGENT
        assert (await read(lambda c: account_of_subject(c, ISSUER, "first"))).person_id == desk.agent.id
        assert await read(lambda c: account_of_subject(c, OTHER, "first")) is None
        with pytest.raises(UnknownError):
            await write(lambda c: bind(c, ISSUER, "second", AGENT, now))
        await write(lambda c: bind(c, OTHER, "second", AGENT, now))
        assert (await read(list_accounts))[desk.agent.id].has_provider
        change = Change(desk.lead.id, "10.0.0.1", now, desk.ledger.rng)
        await write(lambda c: unbind(c, change, desk.agent.id))
        await write(lambda c: unbind(c, change, desk.agent.id))
        assert not await read(lambda c: is_bound(c, desk.agent.id, ISSUER))
        await write(lambda c: bind(c, ISSUER, "second", AGENT, now))
        assert [row.by_id for row in await desk.rows(t.desk_events, kind="unbound")] == [desk.lead.id]

    async def test_of_two_subjects_at_the_same_moment_one_is_the_person(self, desk: Desk) -> None:
        """Whoever comes second is told, and changes nothing."""
        now = desk.now
        done = await asyncio.gather(
            *(
                desk.ledger.database.write(lambda c, s=subject: bind(c, ISSUER, s, AGENT, now))
                for subject in ("first", "second")
            ),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, UnknownError) for one in done) == [False, True]
        assert len(await desk.rows(t.identities)) == 1

    @pytest.mark.parametrize("email", ["lead@shop.example", "nobody@shop.example", ""])
    async def test_nobody_is_made(self, desk: Desk, email: str) -> None:
        """Neither somebody without a role, nor a stranger."""
        with pytest.raises(UnknownError):
            await desk.ledger.database.write(lambda c: bind(c, ISSUER, "x", email, desk.now))

    async def test_an_answer_that_did_not_arrive_is_owed_by_the_hours_of_the_team(self, desk: Desk) -> None:
        """A team that works on Saturdays only owes it on Saturday at twelve."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        case_id, now, rng = CaseId(case.id), desk.now, desk.ledger.rng
        more = {"recipient": "anna@posta.example", "case_id": case_id, "mail_id": case.opened_by}
        entry = desk.ledger.entry(OutboxKind.REPLY, "reply:1", **more)

        def close(c) -> None:
            set_team_calendar(c, desk.agent.team_id, "sat 9-12")
            enqueue(c, [entry])
            close_case(c, case_id, CaseOutcome.ANSWERED, "answer", now, rng, "agent")

        await desk.ledger.database.write(close)
        (waiting,) = [one for one in await desk.claim() if one.kind is OutboxKind.REPLY]
        await desk.ledger.database.write(lambda c: failed(c, waiting, OutboxState.FAILED, now, rng, "refused"))
        (owed,) = await desk.rows(t.promises, case_id=case_id, state="open")
        assert from_micros(owed.due_at) == datetime.fromisoformat("2026-03-14T12:00+01:00")
