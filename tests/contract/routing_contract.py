"""What every database must do for the router: mails become cases, together or not at all."""

import asyncio
from collections import Counter

import pytest

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.errors import TransientError
from itaca.mail.model import Attachment
from itaca.storage import tables as t
from itaca.storage.cases import keep_promises
from itaca.storage.routing import Waiting
from tests.support.case_facts import judgement, mail_text
from tests.support.routed import COLLEAGUE, COMPLAINT, FIRM, NOTHING, Desk, reference


class RoutingContract:
    """One transaction settles a batch, and no race doubles anything."""

    async def test_a_complaint_becomes_an_owned_dated_case(self, desk: Desk) -> None:
        """Reading, customer, case, promise, history, notice and acknowledgement, and the mail settled."""
        agent, *_ = await desk.staff("agent", "lead", "head")
        mail_id = await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        assert (case.kind, case.owner_id, case.status, case.opened_by) == ("complaint", agent.id, "open", mail_id)
        (promise,) = await desk.rows(t.promises)
        assert (promise.case_id, promise.kind, promise.state) == (case.id, "answer", "open")
        assert await desk.history(case.id) == ["opened"]
        assert await desk.told(case.id, "opened") == ["agent@shop.example"]
        assert await desk.acknowledged() == [[case.id]]
        assert [row.model for row in await desk.rows(t.readings)] == ["model-1"]
        assert [(r.direction, r.outcome) for r in await desk.rows(t.interactions)] == [("in", "case")]
        assert await desk.problems() == []

    async def test_lm9_routing_twice_equals_once(self, desk: Desk) -> None:
        """LM9: the same event again, later or in one batch, adds nothing."""
        await desk.staff("agent")
        mail_id = await desk.take(mail_text())
        waiting = Waiting(mail_id, judgement("Y", "Y"))
        first = await desk.route(waiting, waiting)
        again = await desk.route(waiting)
        assert (first.outcomes, first.already_settled) == ({mail_id: MailOutcome.CASE}, 1)
        assert (again.outcomes, again.already_settled, again.opened) == ({}, 1, ())
        assert [c.kind for c in await desk.cases()] == ["complaint", "order"]
        assert len(await desk.rows(t.outbox)) == 3

    async def test_an_unknown_mail_is_passed_over(self, desk: Desk) -> None:
        """An event about no mail of this ledger changes nothing."""
        await desk.staff("agent")
        routed = await desk.route(Waiting("00000000-0000-7000-8000-000000000000", COMPLAINT))  # type: ignore[arg-type]
        assert routed.outcomes == {}
        assert await desk.cases() == []

    async def test_two_routers_on_the_same_mails(self, desk: Desk, other: Desk) -> None:
        """One of them settles each mail; nothing is doubled."""
        await desk.staff("agent")
        mail_ids = [await desk.take(mail_text(sender=f"c{n}@posta.example")) for n in range(12)]
        waiting = [Waiting(mail_id, judgement("Y", "Y")) for mail_id in mail_ids]
        done = await asyncio.gather(*(d.route(*waiting) for d in (desk, other, desk, other)))
        assert Counter(i for routed in done for i in routed.outcomes) == dict.fromkeys(mail_ids, 1)
        assert Counter(c.kind for c in await desk.cases()) == {"complaint": 12, "order": 12}
        assert len(await desk.rows(t.customers)) == 12
        assert await desk.problems() == []

    async def test_two_mails_of_one_new_customer_at_once(self, desk: Desk, other: Desk) -> None:
        """Two routers make one customer and one complaint with two contacts."""
        await desk.staff("agent", "lead")
        for number in range(5):
            sender = f"new{number}@posta.example"
            first, second = [await desk.take(mail_text(sender=sender)) for _ in range(2)]
            await asyncio.gather(desk.route(Waiting(first, COMPLAINT)), other.route(Waiting(second, COMPLAINT)))
        assert len(await desk.rows(t.customers)) == 5
        assert [c.contacts for c in await desk.cases()] == [2] * 5
        assert len(await desk.rows(t.promises)) == 5

    async def test_two_addresses_of_one_customer_at_once(self, desk: Desk, other: Desk) -> None:
        """No contact is lost when two addresses of a customer write at the same time."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT, **FIRM)
        (case,) = await desk.cases()
        await desk.settle(NOTHING, "anch'io", reference(case), **COLLEAGUE)
        for _ in range(4):
            one, two = await desk.take(mail_text(**FIRM)), await desk.take(mail_text(**COLLEAGUE))
            await asyncio.gather(desk.route(Waiting(one, COMPLAINT)), other.route(Waiting(two, COMPLAINT)))
        assert [(c.contacts, c.level) for c in await desk.cases()] == [(9, 2)]

    async def test_two_complaints_of_one_writer_in_a_batch(self, desk: Desk) -> None:
        """The second sees what the first did: one case, two contacts, one acknowledgement."""
        await desk.staff("agent", "lead")
        mails = [await desk.take(mail_text()) for _ in range(2)]
        await desk.route(*(Waiting(mail_id, COMPLAINT) for mail_id in mails))
        (case,) = await desk.cases()
        assert (case.contacts, case.level) == (2, 1)
        assert await desk.history(case.id) == ["opened", "appended"]
        assert await desk.acknowledged() == [[case.id]]

    async def test_the_load_is_spread_inside_a_batch(self, desk: Desk) -> None:
        """Ten complaints of ten customers in one transaction do not all go to one person."""
        await desk.staff("agent", "head")
        await desk.staff("colleague", "boss")
        mails = [await desk.take(mail_text(sender=f"c{n}@posta.example")) for n in range(10)]
        await desk.route(*(Waiting(mail_id, COMPLAINT) for mail_id in mails))
        assert sorted(Counter(c.owner_id for c in await desk.cases()).values()) == [5, 5]

    async def test_mail_that_was_never_read_goes_to_a_person(self, desk: Desk) -> None:
        """LM13: without a text there is a review, with the reason in words, and no acknowledgement."""
        await desk.staff("agent")
        await desk.route(Waiting(await desk.take(), COMPLAINT))
        (case,) = await desk.cases()
        (event,) = await desk.rows(t.case_events)
        assert (case.kind, event.detail["reasons"]) == ("review", ["the mail was never read"])
        assert await desk.acknowledged() == []

    async def test_without_people_the_mail_waits(self, desk: Desk) -> None:
        """LM30: nobody to own it: nothing is written, and after a person came it is settled."""
        mail_id = await desk.take(mail_text())
        with pytest.raises(TransientError, match="people add"):
            await desk.route(Waiting(mail_id, COMPLAINT))
        assert await desk.rows(t.customers) == []
        await desk.staff("agent")
        assert (await desk.route(Waiting(mail_id, COMPLAINT))).outcomes == {mail_id: MailOutcome.CASE}

    async def test_evidence_is_kept_by_its_hash(self, desk: Desk) -> None:
        """LM15, LM16: every file of a mail stands with the case, in order, whatever its type."""
        await desk.staff("agent")
        named = (("a.png", "a"), ("b.exe", "b"))
        files = [Attachment(name=n, content_type="x/y", size_bytes=3, sha256=h * 64) for n, h in named]
        await desk.settle(COMPLAINT, attachments=tuple(files))
        found = await desk.rows(t.evidence)
        assert [(f.position, f.name, f.sha256[:1]) for f in found] == [(0, "a.png", "a"), (1, "b.exe", "b")]

    async def test_lm24_an_order_that_complains_is_both(self, desk: Desk) -> None:
        """LM24: the order leaves, the complaint has a person, and one acknowledgement names both."""
        await desk.staff("agent")
        await desk.settle(judgement("Y", "Y"))
        complaint, order = await desk.cases(CaseKind.COMPLAINT), await desk.cases(CaseKind.ORDER)
        assert (order[0].owner_id, complaint[0].owner_id is not None) == (None, True)
        assert [r.case_id for r in await desk.rows(t.outbox, kind="order_handoff")] == [order[0].id]
        assert [sorted(ids) for ids in await desk.acknowledged()] == [sorted([complaint[0].id, order[0].id])]

    async def test_a_contact_updates_case_and_tells_the_chain(self, desk: Desk) -> None:
        """Second and third contact: contacts, level, severity rise, the promised date stays."""
        await desk.staff("agent", "lead", "head")
        await desk.settle(COMPLAINT)
        (before,) = await desk.rows(t.promises)
        await desk.pass_time(days=2)
        await desk.settle(COMPLAINT)
        await desk.settle(COMPLAINT, "scrivo al mio avvocato")
        (case,) = await desk.cases()
        assert (case.contacts, case.level, case.severity) == (3, 2, 10)
        assert await desk.told(case.id, "appended") == [
            "agent@shop.example", "agent@shop.example", "head@shop.example", "lead@shop.example",
        ]  # fmt: skip
        assert [p.due_at for p in await desk.rows(t.promises)] == [before.due_at]

    async def test_a_contact_after_a_kept_promise_is_promised_an_answer_again(self, desk: Desk) -> None:
        """An open case that owes nothing owes an answer from the next contact on."""
        await desk.staff("agent", "lead")
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: keep_promises(c, case.id, "answered", now, rng, "agent"))
        await desk.settle(COMPLAINT)
        assert sorted(p.state for p in await desk.rows(t.promises)) == ["kept", "open"]
