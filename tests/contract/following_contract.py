"""What every database must do for what follows: promises that break, cases that close, letters that left."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome, OutboxKind, OutboxState
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.cases import close_case, find_case, keep_promises, list_cases
from itaca.storage.departures import departed, failed
from itaca.storage.moments import from_micros
from itaca.storage.outbox import OutboxEntry, begin_sending
from itaca.storage.people import set_absence
from itaca.storage.promises import Broken, break_overdue
from itaca.storage.routing import Waiting
from tests.support.case_facts import mail_text
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, Desk


async def break_all(desk: Desk, limit: int = 100) -> list[Broken]:
    """Do one round of the watch and return what broke in it, until nothing is overdue."""
    now, rng = desk.now, desk.ledger.rng
    broken: list[Broken] = []
    while step := await desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, rng, "watch", limit)):
        broken += step
    return broken


async def close(desk: Desk, case_id: str, outcome: CaseOutcome, evidence: str = "record 1") -> bool:
    """Close a case, a second after whatever was before."""
    await desk.pass_time(seconds=1)
    now, rng = desk.now, desk.ledger.rng
    return await desk.ledger.database.write(
        lambda c: close_case(c, CaseId(case_id), outcome, evidence, now, rng, "agent")
    )


class PromisesContract:
    """A broken promise gets louder, as far as the calendar demands and no further."""

    async def test_nothing_breaks_before_its_date(self, desk: Desk) -> None:
        """One microsecond before the hour nothing happens; at the hour it breaks, once."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        (promise,) = await desk.rows(t.promises)
        due_at = from_micros(promise.due_at)
        await desk.ledger.clock.advance(due_at - desk.now - timedelta(microseconds=1))
        assert await break_all(desk) == []
        await desk.ledger.clock.advance(timedelta(microseconds=1))
        assert [b.level for b in await break_all(desk)] == [1]
        assert await break_all(desk) == []
        (case,) = await desk.cases()
        assert (case.level, await desk.history(case.id)) == (1, ["opened", "promise_broken"])
        assert await desk.told(case.id, "promise_broken") == ["agent@shop.example", "lead@shop.example"]

    async def test_after_a_standstill_a_case_climbs_as_far_as_the_calendar_demands(self, desk: Desk) -> None:
        """Days without a watch: up to the top of the chain, whose last person is told once and not for each day."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        await desk.pass_time(days=14)
        assert [b.level for b in await break_all(desk, limit=1)] == [1, 2]
        (case,) = await desk.cases()
        assert (await desk.told(case.id, "promise_broken")).count("head@shop.example") == 1
        (still_open,) = await desk.rows(t.promises, state="open")
        assert from_micros(still_open.due_at) > desk.now

    async def test_the_top_is_told_once_per_step(self, desk: Desk) -> None:
        """Day after day of silence: one notice a working day to owner and top, nobody between is bothered."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        await desk.pass_time(days=7)
        await break_all(desk)
        for _ in range(24 * 4):
            await desk.pass_time(hours=1)
            await break_all(desk)
        (case,) = await desk.cases()
        told = Counter(await desk.told(case.id, "still_broken"))
        assert told == {"agent@shop.example": 3, "head@shop.example": 3}

    async def test_lm30_an_absent_lead_passes_it_on(self, desk: Desk) -> None:
        """LM30: presence is that of the company's day."""
        _, lead, _ = await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        await desk.pass_time(days=3, hours=10)
        today = POLICY.calendar.today(desk.now)
        await desk.ledger.database.write(lambda c: set_absence(c, lead.id, today, today))
        await break_all(desk)
        (case,) = await desk.cases()
        assert await desk.told(case.id, "promise_broken") == [
            "agent@shop.example", "head@shop.example", "lead@shop.example",
        ]  # fmt: skip

    async def test_orders_that_nobody_confirmed_get_owners(self, desk: Desk) -> None:
        """The order system is silent: each order gets a person, and not all the same one."""
        await desk.staff("agent", "head")
        await desk.staff("colleague", "boss")
        for number in range(4):
            await desk.settle(ORDER, sender=f"c{number}@posta.example")
        await desk.pass_time(days=1, hours=12)
        await break_all(desk)
        orders = await desk.cases(CaseKind.ORDER)
        assert sorted(Counter(o.owner_id for o in orders).values()) == [2, 2]
        assert await desk.history(orders[0].id) == ["opened", "owner_given", "promise_broken"]

    async def test_two_watches_at_once_break_each_promise_once(self, desk: Desk, other: Desk) -> None:
        """Both work, neither waits, nothing is told twice."""
        await desk.staff("agent", "lead")
        mails = [await desk.take(mail_text(sender=f"c{n}@posta.example")) for n in range(20)]
        await desk.route(*(Waiting(mail_id, COMPLAINT) for mail_id in mails))
        for one in (desk, other):
            await one.pass_time(days=3, hours=12)
        found = await asyncio.gather(*(break_all(one, limit=3) for one in (desk, other, desk, other)))
        assert Counter(b.case_id for broken in found for b in broken) == {c.id: 1 for c in await desk.cases()}
        assert {c.level for c in await desk.cases()} == {1}
        assert (
            len(await desk.rows(t.promises, state="broken")) == len(await desk.rows(t.promises, state="open")) == 20
        )

    async def test_a_contact_and_a_break_at_once_lose_nothing(self, desk: Desk, other: Desk) -> None:
        """Router and watch on one case at the same time: the level never falls."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        for one in (desk, other):
            await one.pass_time(days=3, hours=12)
        await asyncio.gather(desk.settle(COMPLAINT), break_all(other))
        await break_all(other)
        (case,) = await desk.cases()
        assert (case.contacts, case.level >= 1) == (2, True)
        assert Counter(p.state for p in await desk.rows(t.promises)) == {"broken": 1, "open": 1}

    async def test_a_kept_promise_does_not_break(self, desk: Desk) -> None:
        """Answered in time, with evidence; without evidence nothing is kept."""
        await desk.staff("agent")
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        now, rng = desk.now, desk.ledger.rng
        with pytest.raises(PermanentError, match="what proves it"):
            await desk.ledger.database.write(lambda c: keep_promises(c, case.id, " ", now, rng, "agent"))
        assert await desk.ledger.database.write(lambda c: keep_promises(c, case.id, "mail 7", now, rng, "agent")) == 1
        await desk.pass_time(days=30)
        assert await break_all(desk) == []
        assert [(p.state, p.evidence) for p in await desk.rows(t.promises)] == [("kept", "mail 7")]

    async def test_a_case_is_closed_once_with_its_outcome(self, desk: Desk) -> None:
        """Closing keeps what is owed; a second time changes nothing; lists show it where it belongs."""
        await desk.staff("agent")
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        assert await close(desk, case.id, CaseOutcome.REMEDIED)
        assert not await close(desk, case.id, CaseOutcome.REJECTED)
        (case,) = await desk.cases()
        assert (case.status, case.outcome, await desk.history(case.id)) == (
            "closed", "remedied", ["opened", "promise_kept", "closed"],
        )  # fmt: skip
        read = desk.ledger.database.read
        assert await read(list_cases) == []
        (line,) = await read(lambda c: list_cases(c, is_open=False))
        assert line == await read(lambda c: find_case(c, f" {case.reference.lower()} "))

    async def test_an_effected_cancellation_is_watched_from_its_effect(self, desk: Desk) -> None:
        """Sooner than announced: from now on; later than announced: from the announced date."""
        await desk.staff("agent")
        await desk.settle(CANCELLATION)
        await desk.settle(CANCELLATION, sender="b@posta.example")
        early, late = await desk.cases()
        await desk.pass_time(days=5)
        await close(desk, early.id, CaseOutcome.EFFECTED)
        early_at = desk.now
        await desk.pass_time(days=60)
        await close(desk, late.id, CaseOutcome.EFFECTED)
        first, second = await desk.rows(t.cancellations)
        assert (first.state, from_micros(first.effective_at)) == ("watched", early_at)
        assert (second.state, from_micros(second.effective_at) < desk.now) == ("watched", True)
        assert from_micros(second.effective_at) == datetime(2026, 4, 8, 16, tzinfo=UTC)


class DeparturesContract:
    """What left, what did not, and what nobody knows."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent."""
        await desk.staff("agent")

    async def entry(self, desk: Desk, kind: OutboxKind) -> OutboxEntry:
        return next(e for e in await desk.claim() if e.kind is kind)

    async def leave(self, desk: Desk, entry: OutboxEntry) -> bool:
        await desk.pass_time(seconds=1)
        now, rng = desk.now, desk.ledger.rng
        return await desk.ledger.database.write(lambda c: departed(c, entry, now, rng, "by the exchange"))

    async def test_an_acknowledgement_receipts_a_cancellation(self, desk: Desk) -> None:
        """It stands in the history and among the interactions, once."""
        await desk.settle(CANCELLATION)
        entry = await self.entry(desk, OutboxKind.ACKNOWLEDGEMENT)
        assert [await self.leave(desk, entry) for _ in range(2)] == [True, False]
        (case,) = await desk.cases()
        assert await desk.history(case.id) == ["opened", "acknowledged"]
        assert [c.state for c in await desk.rows(t.cancellations)] == ["receipted"]
        assert [(i.direction, i.outbox_id) for i in await desk.rows(t.interactions)][1:] == [("out", entry.id)]

    async def test_a_confirmed_order_is_closed(self, desk: Desk) -> None:
        """The order system has it: promise kept, case closed, with the door as evidence."""
        await desk.settle(ORDER)
        await self.leave(desk, await self.entry(desk, OutboxKind.ORDER_HANDOFF))
        (case,) = await desk.cases()
        (promise,) = await desk.rows(t.promises)
        assert (case.status, case.outcome) == ("closed", "ordered")
        assert (promise.state, promise.evidence) == ("kept", "by the exchange")

    @pytest.mark.parametrize("is_receipted", [True, False])
    async def test_a_handed_cancellation_is_still_owed(self, desk: Desk, is_receipted: bool) -> None:
        """Handed to whoever executes it, before or after its receipt: its effect is promised until proved."""
        await desk.settle(CANCELLATION)
        found = {e.kind: e for e in await desk.claim()}
        order = [OutboxKind.ACKNOWLEDGEMENT, OutboxKind.CANCELLATION_HANDOFF]
        for kind in order if is_receipted else reversed(order):
            await self.leave(desk, found[kind])
        assert [c.state for c in await desk.rows(t.cancellations)] == ["handed"]
        assert [p.state for p in await desk.rows(t.promises)] == ["open"]

    async def test_a_notice_leaves_without_a_trace_in_the_case(self, desk: Desk) -> None:
        """Colleagues' letters are no interactions with the customer."""
        await desk.settle(COMPLAINT)
        assert await self.leave(desk, await self.entry(desk, OutboxKind.NOTICE))
        (case,) = await desk.cases()
        assert await desk.history(case.id) == ["opened"]
        assert len(await desk.rows(t.interactions)) == 1

    @pytest.mark.parametrize("state", [OutboxState.FAILED, OutboxState.UNKNOWN])
    async def test_what_did_not_leave_stands_in_the_history(self, desk: Desk, state: OutboxState) -> None:
        """Failed or unknown, with the reason, once; the case stays as it is and owed."""
        await desk.settle(COMPLAINT)
        entry = await self.entry(desk, OutboxKind.ACKNOWLEDGEMENT)
        await desk.pass_time(seconds=1)
        now, rng = desk.now, desk.ledger.rng
        for _ in range(2):
            await desk.ledger.database.write(lambda c: failed(c, entry, state, now, rng, "550"))
        (case,) = await desk.cases()
        assert await desk.history(case.id) == ["opened", f"acknowledgement_{state.value}"]
        assert (case.status, [p.state for p in await desk.rows(t.promises)]) == ("open", ["open"])

    async def test_a_late_answer_corrects_a_guess(self, desk: Desk) -> None:
        """N4: unknown after the lease, and then the courier lives after all: it was sent."""
        await desk.settle(COMPLAINT)
        entry = await self.entry(desk, OutboxKind.ACKNOWLEDGEMENT)
        assert await desk.ledger.database.write(lambda c: begin_sending(c, entry.id))
        await desk.pass_time(minutes=2)
        assert entry.id not in {e.id for e in await desk.claim()}
        assert await self.leave(desk, entry)
        (case,) = await desk.cases()
        assert (await desk.history(case.id))[-1] == "acknowledged"

    async def test_an_order_that_a_person_closed_stays_closed(self, desk: Desk) -> None:
        """The hand-off that leaves later changes no outcome."""
        await desk.settle(ORDER)
        entry = await self.entry(desk, OutboxKind.ORDER_HANDOFF)
        (case,) = await desk.cases()
        await close(desk, case.id, CaseOutcome.REJECTED)
        await self.leave(desk, entry)
        assert [c.outcome for c in await desk.cases()] == ["rejected"]

    async def test_a_leaver_is_still_named(self, desk: Desk) -> None:
        """A case of somebody who left is listed with their name until somebody else takes it."""
        await desk.settle(COMPLAINT)
        await desk.ledger.database.write(lambda c: c.execute(update(t.people).values(is_active=False)))
        (line,) = await desk.ledger.database.read(list_cases)
        assert line.owner == "agent"
