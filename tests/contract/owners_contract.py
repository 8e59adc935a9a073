"""What every database must do so that no open case is with somebody who is not there, or who stays silent."""

import asyncio
import functools
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, select, update

from itaca.cases.people import Person
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseOutcome, OutboxKind
from itaca.storage import tables as t
from itaca.storage.cases import close_case, history
from itaca.storage.daily_list import leave_daily_lists
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros
from itaca.storage.owner_timers import check_owners
from itaca.storage.people import set_absence
from itaca.storage.promises import break_overdue
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, Desk


async def look(desk: Desk, limit: int = 100) -> int:
    """Do one round of the watch over promises and owners; return how many owners were looked at."""
    now, rng, done = desk.now, desk.ledger.rng, 0
    while await desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, rng, "watch")):
        pass
    while found := await desk.ledger.database.write(lambda c: check_owners(c, now, POLICY, rng, "watch", limit)):
        done += found
    return done


async def away(desk: Desk, person: Person, days: int, ahead: int = 0) -> None:
    """Note an absence of so many days from today, or from a day ahead."""
    first = POLICY.calendar.today(desk.now) + timedelta(days=ahead)
    await desk.ledger.database.write(lambda c: set_absence(c, person.id, first, first + timedelta(days=days - 1)))


def daily(conn: Connection, desk: Desk) -> int | None:
    """Leave the lists of the day."""
    return leave_daily_lists(conn, desk.now, POLICY, desk.ledger.rng)


async def owner(desk: Desk) -> str:
    query = select(t.people.c.name).join(t.cases, t.cases.c.owner_id == t.people.c.id)
    return str(await desk.ledger.database.read(lambda c: c.scalar(query)))


async def silence(desk: Desk, days: int) -> list[str]:
    """Let days pass hour by hour, with a watch, and return the owners that the case had, in order."""
    owners = [await owner(desk)]
    for _ in range(days * 8):
        await desk.pass_time(hours=3)
        await look(desk)
        now = await owner(desk)
        owners += [now] if now != owners[-1] else []
    return owners


class OwnersContract:
    """The return timer."""

    async def test_a_silent_owner_loses_the_case_to_who_is_there(self, desk: Desk) -> None:
        """Promised for Thursday, broken, two working days of silence: on Monday evening a colleague has it."""
        await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await desk.staff("bella", "boss")
        assert await owner(desk) == "agent"
        assert await silence(desk, 7) == ["agent"]
        assert await silence(desk, 1) == ["agent", "bella"]
        case_id = CaseId((await desk.cases())[0].id)
        assert await desk.told(case_id, "passed_on") == [f"{n}@shop.example" for n in ("agent", "bella", "lead")]
        (event,) = [e for e in await desk.rows(t.case_events) if e.kind == "passed_on"]
        assert event.detail["reasons"] == ["silent since a promise was broken"]

    async def test_a_sign_of_the_owner_keeps_the_case(self, desk: Desk) -> None:
        """Whoever does something with a late case has it two working days longer after the next break."""
        agent, _ = await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await desk.staff("bella", "boss")
        case_id = CaseId((await desk.cases())[0].id)
        await silence(desk, 7)

        def sign(conn):
            entries = Entries(desk.now, desk.ledger.rng, agent.id)
            entries.event(case_id, "labelled", None, {})
            entries.write(conn)

        await desk.ledger.database.write(sign)
        assert await silence(desk, 1) == ["agent"]
        assert (await silence(desk, 4))[-1] == "bella"

    async def test_the_chain_ends_with_a_daily_list_to_the_top(self, desk: Desk) -> None:
        """Nobody gets a case twice for silence; then the top has a letter each working morning, and one only."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        owners = await silence(desk, 40)
        assert (len(owners), len(set(owners))) == (3, 3)
        case_id = (await desk.cases())[0].id
        letters: list[int | None] = []
        for hours in (0, 4, 24, 24, 1, 24):
            await desk.pass_time(hours=hours)
            await look(desk)
            letters.append(await desk.ledger.database.write(functools.partial(daily, desk=desk)))
        rows = await desk.rows(t.outbox, kind=OutboxKind.DAILY_LIST.value)
        assert sum(one or 0 for one in letters) == len(rows) == len({row.dedupe_key for row in rows}) >= 2
        assert {(row.recipient, row.payload["count"]) for row in rows} == {("head@shop.example", 1)}
        assert {tuple(row.payload["case_ids"]) for row in rows} == {(case_id,)}

    async def test_two_watches_leave_one_list(self, desk: Desk, other: Desk) -> None:
        """The day and the person are the letter's name."""
        await desk.staff("agent")
        await desk.settle(COMPLAINT)
        await silence(desk, 9)
        await desk.ledger.clock.advance(timedelta(days=1, hours=2))
        now = desk.now
        found = await asyncio.gather(
            *(
                one.ledger.database.write(lambda c, o=one: leave_daily_lists(c, now, POLICY, o.ledger.rng))
                for one in (desk, other)
            )
        )
        assert sorted(found) == [0, 1]

    async def test_who_is_away_past_the_date_gives_the_case_on_at_once(self, desk: Desk) -> None:
        """LM30: three weeks of holidays, and the answer is due on Thursday."""
        agent, _ = await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await desk.staff("bella", "boss")
        await look(desk)
        await away(desk, agent, days=21)
        assert await look(desk) == 1
        assert await owner(desk) == "bella"
        assert (await desk.cases())[0].level == 0

    async def test_who_is_back_in_time_keeps_it_and_the_chain_knows(self, desk: Desk) -> None:
        """A day of illness: the lead hears of it once."""
        agent, _ = await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await away(desk, agent, days=1)
        await look(desk)
        await silence(desk, 2)
        case_id = (await desk.cases())[0].id
        assert await owner(desk) == "agent"
        assert await desk.told(case_id, "owner_away") == ["agent@shop.example", "lead@shop.example"]

    async def test_an_absence_planned_ahead_is_seen_on_its_day(self, desk: Desk) -> None:
        """Not a day before, and without anybody's doing."""
        agent, _ = await desk.staff("agent", "lead")
        await desk.settle(CANCELLATION)
        await away(desk, agent, days=60, ahead=2)
        assert await silence(desk, 1) == ["agent"]
        assert await silence(desk, 2) == ["agent", "lead"]

    async def test_who_leaves_gives_every_case_on(self, desk: Desk) -> None:
        """The last day of somebody's work is noticed, whoever notes it."""
        agent, lead = await desk.staff("agent", "lead")
        for n in range(3):
            await desk.settle(COMPLAINT, sender=f"c{n}@posta.example")
        await look(desk)
        gone = update(t.people).where(t.people.c.id == agent.id).values(is_active=False)
        await desk.ledger.database.write(lambda c: c.execute(gone))
        assert await look(desk, limit=2) == 3
        assert {case.owner_id for case in await desk.cases()} == {lead.id}

    async def test_with_nobody_at_work_everybody_is_told_and_the_first_back_gets_it(self, desk: Desk) -> None:
        """The whole firm is away: the chain knows, and whoever comes back first takes over."""
        agent, lead = await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await away(desk, agent, days=10)
        await away(desk, lead, days=4)
        await look(desk)
        case_id = (await desk.cases())[0].id
        assert await desk.told(case_id, "owner_away") == ["agent@shop.example", "lead@shop.example"]
        assert await silence(desk, 4) == ["agent", "lead"]

    async def test_a_closed_case_has_no_timer_and_a_reopened_one_has(self, desk: Desk) -> None:
        """The database keeps them, whatever code opens and closes."""
        await desk.staff("agent")
        await desk.settle(CANCELLATION)
        case_id = CaseId((await desk.cases())[0].id)
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(
            lambda c: close_case(c, case_id, CaseOutcome.EFFECTED, "record 1", now, rng, "agent")
        )
        assert await desk.rows(t.owner_timers) == []
        await desk.pass_time(days=3)
        await desk.settle(COMPLAINT, "ho dato la disdetta")
        assert [row.case_id for row in await desk.rows(t.owner_timers)] == [case_id]

    async def test_two_watches_pass_a_case_on_once(self, desk: Desk, other: Desk) -> None:
        """Both look at the same moment; one of them acts."""
        agent, _ = await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await away(desk, agent, days=30)
        await asyncio.gather(look(desk), look(other))
        case_id = CaseId((await desk.cases())[0].id)
        kinds = [row.kind for row in await desk.ledger.database.read(lambda c: history(c, case_id))]
        assert kinds.count("passed_on") == 1

    @pytest.mark.parametrize("hours", [1, 30])
    async def test_a_timer_lies_ahead_after_a_look(self, desk: Desk, hours: int) -> None:
        """A round ends: nothing is looked at twice in one moment."""
        await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        await desk.pass_time(hours=hours)
        assert (await look(desk), await look(desk)) == (1, 0)
        (timer,) = await desk.rows(t.owner_timers)
        assert from_micros(timer.check_at) > desk.now
        assert from_micros(timer.check_at).date() >= date(2026, 3, 9)
