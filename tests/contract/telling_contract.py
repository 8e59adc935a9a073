"""What every database must do so that other systems hear of each fact once, in the transaction of the fact."""

from collections import Counter
from datetime import timedelta

import pytest

from itaca.cases.activities import Activity
from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import ActivityKind, CaseOutcome
from itaca.errors import PermanentError
from itaca.keys import Keyring
from itaca.storage import tables as t
from itaca.storage.activities import report_activity
from itaca.storage.cases import close_case
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.legal_clocks import run_clocks
from itaca.storage.owner_timers import check_owners
from itaca.storage.people import set_absence
from itaca.storage.promises import break_overdue
from itaca.storage.webhooks import WebhookEvent, add_webhook
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, Desk

ENERGY = Policy(law=Law(load_pack(), "energy"))


async def told(desk: Desk) -> Counter[str]:
    """Return how often each event was written; no event twice under one id."""
    entries = await desk.rows(t.outbox, kind="webhook")
    assert len({row.payload["id"] for row in entries}) == len(entries)
    return Counter(row.payload["type"] for row in entries)


async def watch(desk: Desk) -> None:
    """Do one round over promises and owners."""
    now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
    while await write(lambda c: break_overdue(c, now, POLICY, rng, "watch")):
        pass
    while await write(lambda c: check_owners(c, now, POLICY, rng, "watch")):
        pass


class TellingContract:
    """Events of subscriptions."""

    @pytest.fixture(autouse=True)
    async def subscription(self, desk: Desk) -> None:
        """Give every ledger somebody who is told everything."""
        await desk.staff("agent", "lead", "head")
        now, rng, ring = desk.now, desk.ledger.rng, Keyring([bytes(32)])
        await desk.ledger.database.write(
            lambda c: add_webhook(c, "https://a.example", list(WebhookEvent), now, rng, ring)
        )

    async def test_a_case_is_opened_escalated_and_closed_once_each(self, desk: Desk) -> None:
        """A second contact escalates; a third, too; closing it again is no news."""
        for _ in range(3):
            await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        close = [CaseId(case.id), CaseOutcome.REMEDIED, "parcel 77", now, rng, "agent"]
        for _ in range(2):
            await write(lambda c: close_case(c, *close))  # type: ignore[arg-type]
        assert await told(desk) == {"case.opened": 1, "case.escalated": 2, "case.closed": 1}

    async def test_a_broken_promise_is_told_with_its_escalation(self, desk: Desk) -> None:
        """Each break is one event; at the end of the chain it goes no higher."""
        await desk.settle(COMPLAINT)
        for days in (5, 5, 5):
            await desk.pass_time(days=days)
            now, rng = desk.now, desk.ledger.rng
            await desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, rng, "watch", 1))  # noqa: B023
        found = await told(desk)
        assert (found["promise.broken"], found["case.escalated"]) == (3, 2)

    async def test_a_case_that_its_owner_loses_is_escalated(self, desk: Desk) -> None:
        """The owner is away beyond the promised date: somebody else has it, and others are told so once."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        first = POLICY.calendar.today(desk.now)
        away = (case.owner_id, first, first + timedelta(days=60))
        await desk.ledger.database.write(lambda c: set_absence(c, *away))
        for _ in range(3):
            await desk.pass_time(minutes=10)
            await watch(desk)
        (after,) = await desk.cases()
        assert after.owner_id != case.owner_id
        assert await told(desk) == {"case.opened": 1, "case.escalated": 1}

    async def test_silence_is_told_step_by_step_until_nobody_is_left(self, desk: Desk) -> None:
        """Each break that goes higher, each owner who loses it, and the end of the chain: one event each."""
        await desk.settle(COMPLAINT)
        for _ in range(40 * 2):
            await desk.pass_time(hours=12)
            await watch(desk)
        (case,) = await desk.cases()
        kinds = Counter(await desk.history(case.id))
        (timer,) = await desk.rows(t.owner_timers)
        assert (kinds["passed_on"] > 0, timer.exhausted_at is not None) == (True, True)
        notices = await desk.rows(t.outbox, kind="notice")
        risen = [row.dedupe_key for row in notices if row.payload["event"] == "promise_broken"]
        rises = {key.rpartition(":")[0] for key in risen}
        found = await told(desk)
        assert found["promise.broken"] == kinds["promise_broken"]
        assert found["case.escalated"] == kinds["passed_on"] + len(rises) + 1

    async def test_a_legal_term_brings_the_case_up_and_is_told(self, desk: Desk) -> None:
        """Near: one level; over: to the top, which is the second event; the same round again is no news."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        for days in (29, 0, 9, 0):
            await desk.pass_time(days=days)
            now, rng = desk.now, desk.ledger.rng
            await desk.ledger.database.write(lambda c: run_clocks(c, now, ENERGY, rng, "watch"))  # noqa: B023
        (case,) = await desk.cases()
        assert (case.level, (await told(desk))["case.escalated"]) == (2, 2)

    async def test_a_cancellation_is_effected_and_violated_once(self, desk: Desk) -> None:
        """Said twice it is one effect; the same charge reported twice is one violation, which escalates."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        for _ in range(2):
            effect = Effect(now, "order 4711", "billing")
            await write(lambda c: confirm_effect(c, case.reference, effect, now, POLICY, rng, "api"))  # noqa: B023
        await desk.pass_time(days=2)
        later = desk.now
        charge = Activity("billing", "7", ActivityKind.CHARGE, later, email="anna@posta.example")
        for _ in range(2):
            await write(lambda c: report_activity(c, charge, later, POLICY, rng, "api"))
        found = await told(desk)
        one_each = ("case.opened", "case.closed", "cancellation.effected", "cancellation.violated", "case.escalated")
        assert found == dict.fromkeys(one_each, 1)

    async def test_a_hand_off_waits_for_whoever_takes_it(self, desk: Desk) -> None:
        """An order and a cancellation leave as their own entries, once, with their matter."""
        await desk.settle(ORDER)
        await desk.settle(CANCELLATION, sender="b@posta.example")
        handed = [row.kind for row in await desk.rows(t.outbox) if row.kind.endswith("_handoff")]
        assert sorted(handed) == ["cancellation_handoff", "order_handoff"]
        assert await told(desk) == {"case.opened": 2}

    async def test_what_did_not_happen_is_not_told(self, desk: Desk) -> None:
        """A transaction that fails takes its events with it."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        now, rng = desk.now, desk.ledger.rng

        def closed_and_refused(conn):
            assert close_case(conn, CaseId(case.id), CaseOutcome.REMEDIED, "parcel", now, rng, "agent")
            raise PermanentError("no")

        with pytest.raises(PermanentError):
            await desk.ledger.database.write(closed_and_refused)
        assert await told(desk) == {"case.opened": 1}
