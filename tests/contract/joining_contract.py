"""What every database must do for the router: who may join a case, who is answered, what violates a cancellation."""

from collections import Counter
from typing import Any

import pytest

from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.mail.model import AutomaticKind
from itaca.storage import tables as t
from itaca.storage.cases import close_case
from itaca.storage.effects import MOST_ANSWERS
from itaca.storage.routing import Waiting
from tests.support.case_facts import judgement, mail_text, order_number
from tests.support.routed import (
    CANCELLATION,
    COLLEAGUE,
    COMPLAINT,
    FIRM,
    NOTHING,
    ORDER,
    UNSURE,
    Desk,
    customer_code,
    reference,
)

PROTEST = "Ho dato la disdetta e mi addebitate ancora"
STRANGER = {"sender": "x@altrove.example", "reply_to_address": "x@altrove.example"}


class WhoIsWhoContract:
    """Who may join a case, and what an answer may say."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        await desk.staff("agent", "lead")

    async def test_a_stranger_with_our_reference_never_joins(self, desk: Desk) -> None:
        """LM11: shown beside the case, unverified; their answer names their own case only."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        await desk.settle(COMPLAINT, "vedi riferimento", reference(case), **STRANGER)
        first, second = await desk.cases()
        assert (first.contacts, second.contacts, first.customer_id == second.customer_id) == (1, 1, False)
        assert await desk.history(case.id) == ["opened", "related"]
        assert (await desk.acknowledged())[1] == [second.id]

    async def test_a_strangers_reply_goes_to_a_person(self, desk: Desk) -> None:
        """Perhaps the customer's other address: nobody else would see it."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        await desk.settle(NOTHING, "ecco la schermata", reference(case), **STRANGER)
        (review,) = await desk.cases(CaseKind.REVIEW)
        assert await desk.acknowledged() == [[case.id], [review.id]]

    async def test_a_reply_to_a_strangers_mail_proves_nothing(self, desk: Desk) -> None:
        """Standing beside a case is no door into it: the stranger's own thread stays outside."""
        await desk.settle(COMPLAINT)
        (case,) = await desk.cases()
        await desk.settle(COMPLAINT, "io", reference(case), message_id="<s@altrove.example>", **STRANGER)
        await desk.settle(COMPLAINT, "io di nuovo", in_reply_to="<s@altrove.example>", **STRANGER)
        assert [c.contacts for c in await desk.cases()] == [1, 2]

    async def test_an_older_case_is_told_to_known_addresses_only(self, desk: Desk) -> None:
        """From is the customer, the return path is not: the contact counts, and the answer stays away."""
        await desk.settle(COMPLAINT)
        await desk.pass_time(days=1)
        await desk.settle(COMPLAINT, reply_to_address="x@altrove.example")
        (case,) = await desk.cases()
        assert case.contacts == 2
        assert len(await desk.acknowledged()) == 1

    async def test_a_firm_joins_and_free_mail_does_not(self, desk: Desk) -> None:
        """The domain of a firm is a writer's proof together with the reference; that of millions is none."""
        await desk.settle(COMPLAINT, **FIRM)
        (case,) = await desk.cases()
        await desk.settle(COMPLAINT, "anch'io", reference(case), **COLLEAGUE)
        assert [c.contacts for c in await desk.cases()] == [2]
        await desk.settle(COMPLAINT, sender="a@gmail.com", reply_to_address="a@gmail.com")
        mine = (await desk.cases())[-1]
        await desk.settle(COMPLAINT, "io", reference(mine), sender="b@gmail.com", reply_to_address="b@gmail.com")
        assert [c.contacts for c in await desk.cases()] == [2, 1, 1]

    async def test_a_colleague_who_quotes_one_case_finds_the_others(self, desk: Desk) -> None:
        """A complaint on the firm's order joins the complaint that is open, not a second one beside it."""
        await desk.settle(judgement("Y", "Y"), **FIRM)
        (order,) = await desk.cases(CaseKind.ORDER)
        await desk.settle(COMPLAINT, "e l'ordine?", reference(order), **COLLEAGUE)
        assert [c.contacts for c in await desk.cases(CaseKind.COMPLAINT)] == [2]

    async def test_a_customer_code_counts_from_its_own_domain_only(self, desk: Desk) -> None:
        """Codes are no secrets: from another domain they join nothing and change nothing."""
        await desk.settle(COMPLAINT, "codice", customer_code("K77"), **FIRM)
        await desk.settle(COMPLAINT, "codice", customer_code("K77"), **COLLEAGUE)
        await desk.settle(COMPLAINT, "codice", customer_code("K77"), **STRANGER)
        assert [c.contacts for c in await desk.cases()] == [2, 1]
        assert len(await desk.rows(t.customer_codes)) == 1
        assert len(await desk.rows(t.customers)) == 2

    async def test_lm10_mail_without_a_sender_is_a_customer_of_its_own(self, desk: Desk) -> None:
        """LM11: two nameless mails are not the same nobody."""
        for _ in range(2):
            await desk.settle(COMPLAINT, sender="", reply_to_address="")
        assert [c.contacts for c in await desk.cases()] == [1, 1]
        assert await desk.rows(t.customer_addresses) == []

    async def test_a_reply_to_our_acknowledgement_joins(self, desk: Desk) -> None:
        """The Message-ID of an acknowledgement names the mail it answers, and by it the case."""
        mail_id = await desk.settle(COMPLAINT)
        await desk.settle(NOTHING, "ecco la foto", in_reply_to=f"<ack.{mail_id}.0190@shop.example>")
        (case,) = await desk.cases()
        assert (case.contacts, await desk.history(case.id)) == (1, ["opened", "appended"])

    async def test_a_thread_joins_by_any_of_its_references(self, desk: Desk) -> None:
        """In-Reply-To first, then References from the newest on."""
        await desk.settle(COMPLAINT, "A1", order_number("A1"), message_id="<one@posta.example>")
        await desk.settle(COMPLAINT, "B2", order_number("B2"), message_id="<two@posta.example>")
        await desk.settle(UNSURE, "e allora?", references=("<one@posta.example>", "<gone@posta.example>"))
        one, two = await desk.cases()
        assert (await desk.history(one.id), await desk.history(two.id)) == (["opened", "appended"], ["opened"])


class CourtesyContract:
    """Who is answered, how often; and what became of cancellations."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        await desk.staff("agent", "lead", "head")

    async def test_one_acknowledgement_a_matter_and_day(self, desk: Desk) -> None:
        """The day is the company's; next day there is another; another matter has its own."""
        for _ in range(3):
            await desk.settle(COMPLAINT)
        await desk.settle(judgement("Y", "Y"))
        complaint, order = await desk.cases()
        assert await desk.acknowledged() == [[complaint.id], [order.id]]
        await desk.pass_time(hours=14, minutes=35)
        await desk.settle(COMPLAINT)
        assert (await desk.acknowledged())[2:] == [[complaint.id]]

    async def test_automatic_mail_is_filed_linked_and_never_answered(self, desk: Desk) -> None:
        """LM17, LM18: a bounce is linked by what it reports on, an auto-reply by what it answers."""
        mail_id = await desk.settle(COMPLAINT)
        ack = f"<ack.{mail_id}.0190@shop.example>"
        for kind, link in (("bounce", {"refers_to": ack}), ("auto_reply", {"in_reply_to": ack})):
            await desk.settle(NOTHING, "x", automatic=AutomaticKind(kind), sender="", reply_to_address="", **link)
        (case,) = await desk.cases()
        assert (case.contacts, await desk.history(case.id)) == (1, ["opened", "report", "report"])
        assert Counter(m.outcome for m in await desk.rows(t.mails)) == {"case": 1, "filed": 2}
        assert (len(await desk.acknowledged()), len(await desk.rows(t.customers))) == (1, 1)

    async def test_a_violated_cancellation_is_reopened_one_level_higher(self, desk: Desk) -> None:
        """The charge after the effect finds the cancellation by itself and an answer is promised."""
        await self._cancel(desk, CaseOutcome.EFFECTED)
        await desk.pass_time(days=20)
        await desk.settle(COMPLAINT, PROTEST)
        (case,) = await desk.cases()
        assert (case.status, case.level, case.contacts, case.outcome) == ("open", 1, 2, None)
        assert (await desk.history(case.id))[-1] == "violated"
        assert await desk.told(case.id, "violated") == ["agent@shop.example", "lead@shop.example"]
        assert [p.kind for p in await desk.rows(t.promises, state="open")] == ["answer"]

    @pytest.mark.parametrize("answered", [0, 1])
    async def test_a_protest_is_held_against_the_cancellation_that_it_answers(
        self, desk: Desk, answered: int
    ) -> None:
        """Of two in force it is the one of its thread, the older as well as the newer."""
        mail_ids = [await desk.settle(CANCELLATION, "disdico", order_number(one)) for one in ("C1", "C2")]
        for case in await desk.cases():
            await self._end(desk, case, CaseOutcome.EFFECTED)
        await desk.pass_time(days=5)
        await desk.settle(COMPLAINT, PROTEST, in_reply_to=f"<ack.{mail_ids[answered]}.0190@shop.example>")
        assert [c.status == "open" for c in await desk.cases()] == [answered == 0, answered == 1]

    async def test_what_else_a_batch_refers_to_does_not_change_where_a_protest_goes(self, desk: Desk) -> None:
        """A reply in the thread of the newest, decided beside it, makes no other one the newest."""
        await desk.settle(CANCELLATION, "disdico", order_number("C1"))
        newest = await desk.settle(CANCELLATION, "disdico", order_number("C2"))
        for case in await desk.cases():
            await self._end(desk, case, CaseOutcome.EFFECTED)
        await desk.pass_time(days=5)
        beside = {"automatic": AutomaticKind.AUTO_REPLY, "in_reply_to": f"<ack.{newest}.0190@shop.example>"}
        mails = [await desk.take(mail_text("via", **beside)), await desk.take(mail_text(PROTEST))]
        await desk.route(Waiting(mails[0], NOTHING), Waiting(mails[1], COMPLAINT))
        assert [c.status for c in await desk.cases()] == ["closed", "open"]

    @pytest.mark.parametrize("outcome", [CaseOutcome.REJECTED, CaseOutcome.NOT_A_MATTER])
    async def test_a_cancellation_that_was_none_is_not_watched(self, desk: Desk, outcome: CaseOutcome) -> None:
        """A person closed it as no cancellation: a later protest is a complaint, not a violation."""
        await self._cancel(desk, outcome)
        await desk.pass_time(days=40)
        await desk.settle(COMPLAINT, PROTEST)
        assert [(c.kind, c.status) for c in await desk.cases()] == [("cancellation", "closed"), ("complaint", "open")]

    async def test_violated_while_asked_again(self, desk: Desk) -> None:
        """One closed and one open cancellation of a matter: the protest joins the open one, twice in a batch too."""
        await self._cancel(desk, CaseOutcome.EFFECTED)
        await desk.pass_time(seconds=1)
        await desk.settle(CANCELLATION, "anche l'altro contratto", order_number("C3"))
        await desk.pass_time(days=3)
        mails = [await desk.take(mail_text(PROTEST)) for _ in range(2)]
        await desk.route(*(Waiting(mail_id, COMPLAINT) for mail_id in mails))
        assert [(c.status, c.contacts) for c in await desk.cases()] == [("open", 3), ("open", 1)]
        assert await desk.problems() == []

    async def test_orders_of_one_customer_are_many(self, desk: Desk) -> None:
        """LM20: nothing caps what a customer may send."""
        for _ in range(4):
            await desk.settle(ORDER)
        assert len(await desk.cases(CaseKind.ORDER)) == len(await desk.acknowledged()) == 4

    async def test_lm18_two_ticket_systems_cannot_loop(self, desk: Desk) -> None:
        """LM18: a machine that answers each answer with a new mail is answered so many times a day; all is kept."""
        for _ in range(MOST_ANSWERS + 3):
            await desk.settle(ORDER)
            await desk.let_everything_leave()
        assert len(await desk.acknowledged()) == MOST_ANSWERS
        assert len(await desk.cases(CaseKind.ORDER)) == MOST_ANSWERS + 3
        await desk.pass_time(days=1)
        await desk.settle(ORDER)
        assert len(await desk.acknowledged()) == MOST_ANSWERS + 1

    async def _cancel(self, desk: Desk, outcome: CaseOutcome) -> None:
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        await self._end(desk, case, outcome)

    async def _end(self, desk: Desk, case: Any, outcome: CaseOutcome) -> None:
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: close_case(c, case.id, outcome, "record 1", now, rng, "agent"))
