"""What every database must do with reports of other systems: violations, suppressions, protests that come first."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.errors import PermanentError
from itaca.mail.model import Entity, EntityKind
from itaca.storage import tables as t
from itaca.storage.cancellations import list_cancellations, load_cancellation
from itaca.storage.cases import close_case
from itaca.storage.confirmations import withdraw
from itaca.storage.moments import from_micros
from itaca.storage.suppressions import SuppressionKey
from tests.contract.cancellations_contract import confirm, follow, report, state, suppressed, write
from tests.support.case_facts import judgement
from tests.support.routed import CANCELLATION, COMPLAINT, Desk, customer_code

BOTH = judgement("N", "Y", "Y")
CONTRACT = Entity(kind=EntityKind.CONTRACT_NUMBER, value="770-21455")
PROTEST = "Ho disdetto e continuate ad addebitarmi"
CONFIRMED = ("opened", "effected", "promise_kept", "closed")


class ActivityContract:
    """What other systems did, held against what was cancelled."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        await desk.staff("agent", "lead", "head")

    async def effected(self, desk: Desk, *codes: Entity) -> Any:
        """Cancel, and let it take effect after a day."""
        await desk.settle(CANCELLATION, "disdico", *codes)
        (case,) = await desk.cases()
        await desk.pass_time(days=1)
        await confirm(desk, case.reference)
        return case

    async def test_a_charge_after_the_effect_reopens_the_case_one_level_higher(self, desk: Desk) -> None:
        """The owner and the next in the chain are told, an answer is promised, the report is the evidence."""
        case = await self.effected(desk)
        await desk.pass_time(days=3)
        reported = await report(desk, amount="34.90 EUR")
        assert (reported.verdict, reported.reference, reported.is_new) == ("violation", case.reference, True)
        (case,) = await desk.cases()
        assert (case.status, case.level, case.contacts) == ("open", 1, 1)
        assert await desk.told(case.id, "violated") == ["agent@shop.example", "lead@shop.example"]
        assert [p.kind for p in await desk.rows(t.promises, state="open")] == ["answer"]
        (event,) = await desk.rows(t.case_events, kind="violated")
        assert event.detail["reasons"][0].startswith("charge 34.90 EUR on 2026-03-13, reported by billing as 1")
        assert [a.case_id for a in await desk.rows(t.activities)] == [case.id]
        assert await desk.problems() == []

    async def test_a_report_counts_once(self, desk: Desk) -> None:
        """The same report again is answered as before; another one under its id is refused."""
        await self.effected(desk)
        first = await report(desk, happened_at=desk.now)
        again = await report(desk, happened_at=(await desk.rows(t.activities)) and desk.now - timedelta(seconds=1))
        assert (again.id, again.verdict, again.is_new) == (first.id, "violation", False)
        with pytest.raises(PermanentError, match="something else"):
            await report(desk, kind="mailing")
        assert [c.violations for c in await desk.rows(t.cancellations)] == [1]

    async def test_many_charges_are_told_once(self, desk: Desk) -> None:
        """A year's charges in one list: every one is kept and counted, the level rises once."""
        await self.effected(desk)
        await desk.pass_time(days=1)
        for number in range(4):
            await report(desk, str(number))
        (case,) = await desk.cases()
        assert (case.level, [c.violations for c in await desk.rows(t.cancellations)]) == (1, [4])

    async def test_before_the_effect_nothing_is_violated(self, desk: Desk) -> None:
        """A last charge within the notice is right; one by an unknown customer is noted as such."""
        await desk.settle(CANCELLATION)
        assert (await report(desk)).verdict == "clear"
        assert (await report(desk, "2", email="nobody@posta.example")).verdict == "unknown"
        assert (await report(desk, "3", email="", customer="X 9")).verdict == "unknown"

    async def test_a_contract_is_found_by_its_number(self, desk: Desk) -> None:
        """Billing knows contracts, not addresses; another contract of the customer is charged rightly."""
        case = await self.effected(desk, CONTRACT, customer_code("K77"))
        await desk.pass_time(days=1)
        assert (await report(desk, "1", email="", customer="k77", contract="9")).verdict == "clear"
        assert (await report(desk, "2", email="", contract="770 - 21455")).reference == case.reference
        assert (await report(desk, "3", email="", customer="k 77")).reference == case.reference

    async def test_a_protest_after_a_report_joins_the_same_case(self, desk: Desk) -> None:
        """The system and then the customer say the same: one case, louder each time, both counted."""
        case = await self.effected(desk)
        await desk.pass_time(days=2)
        await report(desk)
        await desk.settle(COMPLAINT, PROTEST)
        (case,) = await desk.cases()
        assert (case.contacts, case.level) == (2, 2)
        assert [c.violations for c in await desk.rows(t.cancellations)] == [2]

    async def test_an_open_violation_keeps_its_watch(self, desk: Desk) -> None:
        """The watch is over but the customer unanswered: it stays watched until the case is closed."""
        case = await self.effected(desk)
        await report(desk)
        await desk.pass_time(days=200)
        assert (await follow(desk), await state(desk)) == (0, "watched")
        now, rng = desk.now, desk.ledger.rng
        await write(desk, lambda c: close_case(c, case.id, CaseOutcome.REJECTED, "bank", now, rng, "agent"))
        assert (await follow(desk), await state(desk)) == (1, "closed")
        assert await suppressed(desk, SuppressionKey.EMAIL, "anna@posta.example") == [case.reference]

    async def test_a_charge_long_after_the_watch_is_no_better(self, desk: Desk) -> None:
        """A cancellation holds for ever: after the watch a charge reopens the case one level higher too."""
        case = await self.effected(desk)
        await desk.pass_time(days=200)
        assert (await follow(desk), await state(desk)) == (1, "closed")
        reported = await report(desk, amount="34.90 EUR")
        assert (reported.verdict, reported.reference) == ("violation", case.reference)
        (case,) = await desk.cases()
        assert (case.status, case.level, await state(desk)) == ("open", 1, "watched")
        assert await desk.problems() == []
        now, rng = desk.now, desk.ledger.rng
        await write(desk, lambda c: close_case(c, case.id, CaseOutcome.REMEDIED, "paid back", now, rng, "agent"))
        assert (await follow(desk), await state(desk)) == (1, "closed")

    async def test_a_protest_long_after_the_watch_finds_it_by_its_words(self, desk: Desk) -> None:
        """Who says that they cancelled is held to it after a year; who only cancels again cancels anew."""
        case = await self.effected(desk)
        await desk.pass_time(days=400)
        await desk.settle(COMPLAINT, PROTEST)
        (case,) = await desk.cases()
        assert (case.status, await desk.history(case.id)) == ("open", [*CONFIRMED, "violated"])
        now, rng = desk.now, desk.ledger.rng
        await write(desk, lambda c: close_case(c, case.id, CaseOutcome.REMEDIED, "paid back", now, rng, "agent"))
        await desk.pass_time(days=400)
        await desk.settle(CANCELLATION, "disdico")
        assert len(await desk.cases(CaseKind.CANCELLATION)) == 2

    async def test_what_was_withdrawn_or_was_none_is_violated_by_nothing(self, desk: Desk) -> None:
        """Who came back is charged rightly."""
        case = await self.effected(desk)
        now, rng = desk.now, desk.ledger.rng
        await write(desk, lambda c: withdraw(c, case.reference, "signed again", now, rng, "agent"))
        await desk.pass_time(days=3)
        assert (await report(desk)).verdict == "clear"

    async def test_two_reports_at_once_are_one(self, desk: Desk, other: Desk) -> None:
        """The same charge by two connections: kept once, held against the case once."""
        await self.effected(desk)
        await other.pass_time(days=5)
        await desk.pass_time(days=5)
        at = desk.now
        found = await asyncio.gather(*(report(one, happened_at=at) for one in (desk, other) * 3))
        assert len({one.id for one in found}) == 1
        assert [one.is_new for one in found].count(True) == 1
        assert [c.violations for c in await desk.rows(t.cancellations)] == [1]


class SuppressionContract:
    """What a sender or biller is told before it acts."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent."""
        await desk.staff("agent")

    async def test_a_customer_is_found_by_each_of_three_keys(self, desk: Desk) -> None:
        """By address, customer code and contract, however they are spelled."""
        await desk.settle(CANCELLATION, "disdico", CONTRACT, customer_code("K77"))
        (case,) = await desk.cases()
        for key, value in (
            (SuppressionKey.EMAIL, " Anna@Posta.example"),
            (SuppressionKey.CUSTOMER, "k77"),
            (SuppressionKey.CONTRACT, "770 -21455"),
        ):
            assert await suppressed(desk, key, value) == [case.reference]
            assert await suppressed(desk, key, "x@y.z") == []

    async def test_a_contract_that_was_not_cancelled_is_free(self, desk: Desk) -> None:
        """The address is suppressed, the other contract of the same customer is not; no contract named is all."""
        second = Entity(kind=EntityKind.CONTRACT_NUMBER, value="B-2")
        await desk.settle(CANCELLATION, "disdico", CONTRACT)
        await desk.settle(COMPLAINT, "e l'altro contratto?", second)
        assert await suppressed(desk, SuppressionKey.CONTRACT, "B-2") == []
        await desk.settle(CANCELLATION, "disdico tutto", reply_to_address="")
        assert len(await suppressed(desk, SuppressionKey.EMAIL, "anna@posta.example")) == 1

    async def test_the_register_is_paged(self, desk: Desk) -> None:
        """Newest first, each once, by state."""
        for number in range(5):
            await desk.settle(CANCELLATION, sender=f"c{number}@posta.example")
        read = desk.ledger.database.read
        first = await read(lambda c: list_cancellations(c, limit=3))
        rest = await read(lambda c: list_cancellations(c, before=first[-1].case_id, limit=3))
        ids = [one.case_id for one in (*first, *rest)]
        assert ids == sorted(ids, reverse=True)
        assert len(set(ids)) == 5
        found = await read(lambda c: load_cancellation(c, first[0].reference))
        assert found == first[0]


class StatedContract:
    """A protest that comes before any system has told of the cancellation."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        await desk.staff("agent", "lead")

    async def test_a_cancellation_is_opened_as_its_protest_dates_it(self, desk: Desk) -> None:
        """Cancelled in October says a mail of March: it holds since November, and its effect is owed in days."""
        await desk.settle(BOTH, "Ho disdetto a ottobre e continuate ad addebitarmi.")
        complaint, cancelled = await desk.cases()
        assert (complaint.kind, cancelled.kind) == ("complaint", "cancellation")
        (row,) = await desk.rows(t.cancellations)
        assert from_micros(row.requested_at).date().isoformat() == "2025-10-31"
        assert from_micros(row.effective_at).date().isoformat() == "2025-11-30"
        assert from_micros(row.watch_until) > desk.now + timedelta(days=89)
        (promise,) = await desk.rows(t.promises, case_id=cancelled.id)
        assert desk.now < from_micros(promise.due_at) < desk.now + timedelta(days=6)
        assert await suppressed(desk, SuppressionKey.EMAIL, "anna@posta.example") == [cancelled.reference]
        assert (await report(desk, happened_at=desk.now - timedelta(days=60))).reference == cancelled.reference
        assert await desk.problems() == []

    async def test_what_was_charged_before_it_was_known_is_held_against_it(self, desk: Desk) -> None:
        """Cancelled in October, says a mail of March: the charges of December and February are its evidence."""
        came = desk.now
        for number, days in enumerate((150, 80, 20), 1):
            assert (await report(desk, str(number), happened_at=came - timedelta(days=days))).verdict == "unknown"
        other = await report(desk, "4", email="bruno@posta.example", happened_at=desk.now - timedelta(days=20))
        await desk.settle(BOTH, "Ho disdetto a ottobre e continuate ad addebitarmi.")
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        assert (case.status, case.level, case.contacts) == ("open", 1, 1)
        assert await desk.history(case.id) == ["opened", "violated", "violated"]
        held = {row.external_id: (row.verdict, row.case_id) for row in await desk.rows(t.activities)}
        assert held["2"] == held["3"] == ("violation", case.id)
        assert held["1"] == ("unknown", None)
        assert [row.verdict for row in await desk.rows(t.activities, id=other.id)] == ["unknown"]
        assert [c.violations for c in await desk.rows(t.cancellations)] == [2]
        assert await desk.told(case.id, "violated") == ["agent@shop.example", "lead@shop.example"]
        again = await report(desk, "3", happened_at=came - timedelta(days=20))
        assert (again.verdict, again.reference, again.is_new) == ("violation", case.reference, False)
        assert await desk.problems() == []

    async def test_an_effect_that_was_earlier_than_known_looks_back_too(self, desk: Desk) -> None:
        """The executing system says in March that it was done in January: the charge of February was wrong."""
        await desk.settle(CANCELLATION, "disdico", CONTRACT)
        (case,) = await desk.cases()
        late, before = desk.now - timedelta(days=20), desk.now - timedelta(days=90)
        charged = await report(desk, email="", contract="770-21455", happened_at=late)
        earlier = await report(desk, "2", email="", contract="770-21455", happened_at=before)
        another = await report(desk, "3", contract="B-2", happened_at=late)
        assert await confirm(desk, case.reference, at=desk.now - timedelta(days=60))
        (case,) = await desk.cases()
        assert (case.status, case.level) == ("open", 1)
        assert await desk.history(case.id) == [*CONFIRMED, "violated"]
        verdicts = {row.id: row.verdict for row in await desk.rows(t.activities)}
        assert verdicts == {charged.id: "violation", earlier.id: "clear", another.id: "clear"}
        assert await desk.problems() == []

    async def test_a_second_protest_joins_what_the_first_opened(self, desk: Desk) -> None:
        """Found by its customer: no second cancellation, one level higher."""
        await desk.settle(BOTH, "Ho disdetto a ottobre e continuate ad addebitarmi.")
        await desk.settle(BOTH, "Ho disdetto a ottobre: ancora un addebito!")
        assert len(await desk.rows(t.cancellations)) == 1
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        assert (case.contacts, await desk.history(case.id)) == (2, ["opened", "violated"])

    async def test_without_a_date_it_is_cancelled_by_the_mail(self, desk: Desk) -> None:
        """As before: requested now, effective after the notice."""
        await desk.settle(BOTH, "Ho disdetto e continuate ad addebitarmi.")
        (row,) = await desk.rows(t.cancellations)
        assert from_micros(row.requested_at) == desk.now
