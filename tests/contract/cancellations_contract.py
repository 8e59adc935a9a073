"""What every database must do for cancellations: effects confirmed, watches, customers who come back."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from itaca.cases.actions import NewPromise
from itaca.cases.activities import Activity
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import ActivityKind, CaseOutcome, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.activities import Reported, report_activity
from itaca.storage.cancellations import follow_watches
from itaca.storage.cases import close_case, keep_promises
from itaca.storage.confirmations import Effect, confirm_effect, confirm_order, withdraw
from itaca.storage.entries import Entries
from itaca.storage.suppressions import SuppressionKey, find_suppressions
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, Desk


async def write(desk: Desk, work: Callable[[Connection], Any]) -> Any:
    """Run one transaction, a second after whatever was before."""
    await desk.pass_time(seconds=1)
    return await desk.ledger.database.write(work)


async def confirm(desk: Desk, reference: str, at: datetime | None = None, evidence: str = "order 7") -> Any:
    effect, now, rng = Effect(at or desk.now, evidence, "billing"), desk.now, desk.ledger.rng
    return await write(desk, lambda c: confirm_effect(c, reference, effect, now, POLICY, rng, "api:billing"))


async def report(desk: Desk, number: str = "1", kind: str = "charge", **more: Any) -> Reported:
    known = {"happened_at": desk.now, "email": "anna@posta.example"}
    activity = Activity("billing", number, ActivityKind(kind), **{**known, **more})
    now, rng = desk.now, desk.ledger.rng
    return await write(desk, lambda c: report_activity(c, activity, now, POLICY, rng, "api:billing"))


async def suppressed(desk: Desk, key: SuppressionKey, value: str) -> list[str]:
    found = await desk.ledger.database.read(partial(find_suppressions, key=key, value=value))
    return [one.reference for one in found]


async def follow(desk: Desk) -> int:
    now, rng = desk.now, desk.ledger.rng
    return await desk.ledger.database.write(lambda c: follow_watches(c, now, rng, "watch"))


async def state(desk: Desk) -> str:
    (row,) = await desk.rows(t.cancellations)
    return str(row.state)


class EffectContract:
    """The executing system says that it is done."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        await desk.staff("agent", "lead", "head")

    async def test_a_confirmed_cancellation_is_closed_and_watched(self, desk: Desk) -> None:
        """Promise kept by the system's evidence, case closed as effected, watched from the effect; once."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        await desk.pass_time(days=2)
        assert await confirm(desk, case.reference.lower())
        (case,), (promise,) = await desk.cases(), await desk.rows(t.promises)
        assert (case.status, case.outcome) == ("closed", "effected")
        assert (promise.state, promise.evidence) == ("kept", "billing: order 7")
        assert await desk.history(case.id) == ["opened", "effected", "promise_kept", "closed"]
        (row,) = await desk.rows(t.cancellations)
        assert (row.state, row.system, row.evidence) == ("watched", "billing", "order 7")
        assert row.effective_at == row.effected_at
        assert not await confirm(desk, case.reference)
        assert (await desk.history(case.id))[-1] == "effect_confirmed"
        assert await desk.problems() == []

    async def test_who_wrote_again_is_still_owed_an_answer(self, desk: Desk) -> None:
        """The effect is confirmed; the second mail is answered by a person, by a date."""
        await desk.settle(CANCELLATION)
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        await confirm(desk, case.reference)
        (case,) = await desk.cases()
        assert (case.status, await state(desk)) == ("open", "watched")
        assert [p.kind for p in await desk.rows(t.promises, state="open")] == ["answer"]
        assert await desk.problems() == []

    async def test_unknown_and_unproved_effects_are_refused(self, desk: Desk) -> None:
        """No such reference, a complaint, no evidence, or what a person closed as none."""
        await desk.settle(COMPLAINT)
        await desk.settle(CANCELLATION, sender="b@posta.example")
        complaint, case = await desk.cases()
        for reference in ("IT-00000-00000", complaint.reference):
            with pytest.raises(PermanentError, match="no cancellation has"):
                await confirm(desk, reference)
        with pytest.raises(PermanentError, match="what proves it"):
            await confirm(desk, case.reference, evidence=" ")
        now, rng = desk.now, desk.ledger.rng
        dismissed = partial(close_case, case_id=CaseId(case.id), outcome=CaseOutcome.NOT_A_MATTER, evidence="read")
        await write(desk, lambda c: dismissed(c, now=now, rng=rng, actor="agent"))
        with pytest.raises(PermanentError, match="closed without effect"):
            await confirm(desk, case.reference)

    async def test_what_was_none_is_answered_when_its_customer_writes_again(self, desk: Desk) -> None:
        """A reply opens its case again: the promise can be kept and the case closed; only an effect is refused."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        closed = partial(close_case, case_id=CaseId(case.id), evidence="read", rng=desk.ledger.rng, actor="agent")
        await write(desk, lambda c: closed(c, outcome=CaseOutcome.NOT_A_MATTER, now=desk.now))
        for _ in range(2):
            again = Entries(desk.now, desk.ledger.rng, "router")
            owed = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=3))
            again.raise_case(CaseId(case.id), 1, 0, 1, owed)
            await write(desk, again.write)
            with pytest.raises(PermanentError, match="closed without effect"):
                await write(desk, lambda c: closed(c, outcome=CaseOutcome.EFFECTED, now=desk.now))
            kept = partial(keep_promises, case_id=CaseId(case.id), evidence="letter 7", actor="agent")
            assert await write(desk, lambda c, k=kept: k(c, now=desk.now, rng=desk.ledger.rng)) == 1
            assert await write(desk, lambda c: closed(c, outcome=CaseOutcome.REMEDIED, now=desk.now))
        (row,) = await desk.rows(t.cancellations)
        assert (row.state, row.ended_as, row.effected_at) == ("closed", "never", None)

    async def test_two_systems_at_once_confirm_once(self, desk: Desk, other: Desk) -> None:
        """Both are answered, one of them with news."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        await other.pass_time(seconds=5)
        news = await asyncio.gather(*(confirm(one, case.reference) for one in (desk, other, desk, other)))
        assert sorted(news) == [False, False, False, True]

    async def test_a_watch_begins_and_ends_by_its_dates(self, desk: Desk) -> None:
        """Effected for the end of the month; watched from then on, closed three months later, holding for ever."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        await confirm(desk, case.reference, desk.now + timedelta(days=20))
        assert (await state(desk), await follow(desk)) == ("effected", 0)
        await desk.pass_time(days=20, seconds=1)
        assert (await follow(desk), await state(desk)) == (1, "watched")
        await desk.pass_time(days=120)
        assert (await follow(desk), await follow(desk), await state(desk)) == (1, 0, "closed")
        assert (await desk.history(case.id))[-2:] == ["watched", "watch_ended"]
        assert await suppressed(desk, SuppressionKey.EMAIL, "Anna@posta.example") == [case.reference]

    async def test_a_customer_who_came_back_is_free(self, desk: Desk) -> None:
        """Withdrawn: nothing is suppressed or held against anybody; the case is closed if it was open."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        now, rng = desk.now, desk.ledger.rng
        for is_news in (True, False):
            done = await write(desk, lambda c: withdraw(c, case.reference, "order 9", now, rng, "api:shop"))
            assert done is is_news
        assert await suppressed(desk, SuppressionKey.EMAIL, "anna@posta.example") == []
        await desk.pass_time(days=40)
        assert (await report(desk)).verdict == "clear"
        assert [c.status for c in await desk.cases()] == ["closed"]

    async def test_an_order_is_received_once(self, desk: Desk) -> None:
        """The order system's word closes the case; a second word is evidence."""
        await desk.settle(ORDER)
        (case,) = await desk.cases()
        rng = desk.ledger.rng
        for is_news in (True, False):
            done = await write(desk, lambda c: confirm_order(c, case.reference, "SO-1", desk.now, rng, "api:shop"))
            assert done is is_news
        assert await desk.history(case.id) == ["opened", "promise_kept", "closed", "order_confirmed"]
