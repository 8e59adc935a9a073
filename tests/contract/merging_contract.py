"""What every database must do when one case goes on in another: nothing is lost, and nobody hears it twice."""

from datetime import timedelta

import pytest

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.merging import CANCELLATION_STAYS, ORDER_STAYS
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome, OutboxState, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage import tables as t
from itaca.storage.asks import question_check
from itaca.storage.audit import inspect
from itaca.storage.case_acts import NotYoursError
from itaca.storage.case_merging import ANOTHER_CUSTOMER, NOBODY, Merger, merge
from itaca.storage.case_pages import CasePage, case_page, view_case
from itaca.storage.case_snapshots import snapshot
from itaca.storage.case_undoing import TOO_LATE, take_back
from itaca.storage.departures import failed
from itaca.storage.moments import from_micros
from itaca.storage.parkings import park, parking_of
from itaca.storage.values import score_due
from tests.support.case_facts import WRITER, order_number
from tests.support.desk_acts import HOLD_S, case_of, complain, do, look
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, UNSURE, Desk, reference

ENERGY = Policy(law=Law(load_pack(), "energy"))
CATALOGUE = "Perché mi mandate ancora il catalogo?"
BOOKS = "Dove sono i libri?"
OTHER = {"sender": "anna@lavoro.example", "reply_to_address": "anna@lavoro.example"}


class MergingContract:
    """One case goes on in another."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        self.agent, self.lead, self.head = await desk.staff("agent", "lead", "head")

    async def two(self, desk: Desk, policy: Policy = POLICY, **second: object) -> tuple[CaseId, CaseId]:
        """Return two complaints, the older one first."""
        older, _ = await complain(desk, "4711", BOOKS, policy=policy)
        await desk.pass_time(days=1)
        newer, _ = await complain(desk, "4712", CATALOGUE, policy=policy, **second)
        return older, newer

    async def merged(
        self, desk: Desk, ending: CaseId, staying: CaseId, says: str = "", policy: Policy = POLICY, hold_s: float = 0
    ) -> None:
        act = await look(desk, ending, self.agent, hold_s=hold_s)
        into = (await case_of(desk, staying)).reference
        await do(desk, merge, act, Merger(into.lower(), says, bool(says)), policy)

    async def test_everything_goes_along_and_both_histories_say_so(self, desk: Desk) -> None:
        """Mails, questions, promises with their dates, contacts; the case that ends points to the other."""
        older, newer = await self.two(desk)
        due = {row.due_at for row in await desk.rows(t.promises, state="open")}
        await self.merged(desk, older, newer)
        ended, stays = await case_of(desk, older), await case_of(desk, newer)
        assert (ended.status, ended.outcome, stays.status, stays.contacts) == ("closed", "merged", "open", 2)
        assert len(await desk.rows(t.case_mails, case_id=newer)) == 2
        assert {row.due_at for row in await desk.rows(t.promises, case_id=newer, state="open")} == due
        check = await desk.ledger.database.read(lambda c: question_check(c, newer))
        assert {ask.says for ask in check.asks} == {BOOKS, CATALOGUE}
        assert {row.case_id for row in await desk.rows(t.interactions, direction="in")} == {newer}
        assert (await desk.history(older))[-2:] == ["merged_into", "closed"]
        assert (await desk.history(newer))[-1] == "took_in"
        assert [row.into_id for row in await desk.rows(t.mergers, case_id=older)] == [newer]

    async def test_other_systems_read_where_a_case_goes_on(self, desk: Desk) -> None:
        """By its reference and in lists, also after the remaining case was merged on; the last one says nothing."""
        older, newer = await self.two(desk)
        third, _ = await complain(desk, "4713", BOOKS)
        await self.merged(desk, older, newer)
        await self.merged(desk, newer, third)
        last = (await case_of(desk, third)).reference
        listed = await desk.ledger.database.read(lambda c: case_page(c, CasePage()))
        assert {one.id: one.merged_into for one in listed} == {older: last, newer: last, third: None}
        for one in listed:
            assert await desk.ledger.database.write(lambda c, one=one: view_case(c, one.reference, True)) == one

    async def test_the_books_stay_in_order(self, desk: Desk) -> None:
        """Every complaint has one owned case, every case its opening mail, nothing closed is promised."""
        await self.merged(desk, *await self.two(desk))
        assert await desk.problems() == []
        assert (await desk.ledger.database.read(inspect)).problems() == []

    async def test_contacts_add_up_and_reach_who_must_know(self, desk: Desk) -> None:
        """A third contact is one for the lead's lead, whichever case it was written on."""
        older, newer = await self.two(desk)
        await desk.settle(COMPLAINT, "ancora niente", order_number("4711"))
        assert ((await case_of(desk, older)).level, (await case_of(desk, newer)).level) == (1, 0)
        await self.merged(desk, older, newer)
        stays = await case_of(desk, newer)
        assert (stays.contacts, stays.level) == (3, 2)
        assert await desk.told(newer, "appended") == [f"{name}@shop.example" for name in ("agent", "head", "lead")]

    async def test_an_answer_is_held_up_by_every_question(self, desk: Desk) -> None:
        """What was asked in the case that ended must be ticked before the other closes."""
        older, newer = await self.two(desk)
        await self.merged(desk, older, newer)
        (mail,) = await desk.rows(t.case_mails, case_id=newer, role="opened")
        said = Answer("Re: Libri", "Li spediamo.", WRITER, CaseOutcome.REMEDIED, "parcel 4711")
        asks = {row.says: row.id for row in await desk.rows(t.asks, case_id=newer)}
        act = await look(desk, newer, self.agent)
        with pytest.raises(PermanentError, match="still open: 1"):
            await do(desk, case_acts.answer, act, mail.mail_id, said, "Agent", [asks[CATALOGUE]])
        await do(desk, case_acts.answer, act, mail.mail_id, said, "Agent", list(asks.values()))
        assert (await case_of(desk, newer)).status == "closed"
        assert {row.state for row in await desk.rows(t.promises)} == {"kept"}

    async def test_a_mail_with_the_old_reference_joins_the_case_that_remains(self, desk: Desk) -> None:
        """By its reference, by its number, by its thread, and through a second merger."""
        first, second = await self.two(desk)
        third, _ = await complain(desk, "4713")
        await self.merged(desk, first, second)
        await self.merged(desk, second, third)
        await desk.settle(COMPLAINT, "e allora?", reference(await case_of(desk, first)))
        await desk.settle(COMPLAINT, "e l'ordine?", order_number("4711"))
        (opening,) = await desk.rows(t.case_mails, case_id=first, role="opened")
        await desk.settle(
            COMPLAINT, "ancora", order_number("999"), in_reply_to=f"<re.{opening.mail_id}.x@shop.example>"
        )
        assert (await case_of(desk, third)).contacts == 6
        assert len(await desk.cases(CaseKind.COMPLAINT)) == 3

    async def test_nobody_gets_a_second_receipt(self, desk: Desk) -> None:
        """Who got one today for the case that ended gets none for the other."""
        older, _ = await complain(desk, "4711")
        await desk.pass_time(days=1)
        await desk.settle(COMPLAINT, "di nuovo", order_number("4711"))
        newer, _ = await complain(desk, "4712")
        await desk.pass_time(days=1)
        await desk.settle(COMPLAINT, "e poi", order_number("4711"))
        before = await desk.acknowledged()
        await self.merged(desk, older, newer)
        await desk.settle(COMPLAINT, "e ancora", reference(await case_of(desk, older)))
        assert await desk.acknowledged() == before

    async def test_the_earlier_term_of_the_law_stands(self, desk: Desk) -> None:
        """The law counts from the mail that came first, whichever case remains."""
        older, newer = await self.two(desk, ENERGY)
        due = min(row.due_at for row in await desk.rows(t.legal_clocks))
        await self.merged(desk, older, newer, policy=ENERGY)
        running = [(row.case_id, row.due_at) for row in await desk.rows(t.legal_clocks, state="running")]
        assert running == [(newer, due)]
        assert {row.state for row in await desk.rows(t.legal_clocks, case_id=older)} == {"void"}

    async def test_a_parked_case_is_taken_up_by_it(self, desk: Desk) -> None:
        """The dates that were promised come back, a minute of work later, as the parking lasted a minute."""
        older, newer = await self.two(desk)
        due = sorted(row.due_at for row in await desk.rows(t.promises, state="open"))
        for case_id in (older, newer):
            await desk.ledger.database.write(
                lambda c, i=case_id: park(
                    c, i, desk.now + timedelta(days=7), "waits", POLICY, desk.now, desk.ledger.rng, "agent"
                )
            )
        await self.merged(desk, older, newer)
        assert await desk.ledger.database.read(lambda c: parking_of(c, newer)) is None
        promised = sorted(row.due_at for row in await desk.rows(t.promises, case_id=newer, state="open"))
        late = [from_micros(after) - from_micros(before) for after, before in zip(promised, due, strict=True)]
        assert all(one < timedelta(days=4) for one in late)

    async def test_a_cancellation_takes_in_its_protest_and_never_goes_into_one(self, desk: Desk) -> None:
        """What is still to be carried out would be hidden in a complaint; so would an order."""
        complaint, _ = await complain(desk, "4711")
        await desk.settle(CANCELLATION)
        (cancelled,) = await desk.cases(CaseKind.CANCELLATION)
        for kind, refusal in ((CaseKind.CANCELLATION, CANCELLATION_STAYS), (CaseKind.ORDER, ORDER_STAYS)):
            if kind is CaseKind.ORDER:
                await desk.settle(ORDER)
            (one,) = await desk.cases(kind)
            act = await look(desk, CaseId(one.id), self.agent, anybodys=True)
            into = (await case_of(desk, complaint)).reference
            with pytest.raises(PermanentError, match=refusal):
                await do(desk, merge, act, Merger(into), POLICY)
        await self.merged(desk, complaint, CaseId(cancelled.id))
        kinds = {row.kind for row in await desk.rows(t.promises, case_id=cancelled.id, state="open")}
        assert kinds == {"effect", "answer"}
        assert (await desk.rows(t.cancellations))[0].state == "requested"

    async def test_a_mail_to_decide_goes_on_in_the_case_that_it_answers(self, desk: Desk) -> None:
        """A reply from an address that nobody knew finds the case that a person names."""
        complaint, _ = await complain(desk, "4711")
        await desk.settle(UNSURE, "sono io", **OTHER)
        (review,) = await desk.cases(CaseKind.REVIEW)
        await self.merged(desk, CaseId(review.id), complaint, "the same person, by telephone")
        assert (await case_of(desk, complaint)).contacts == 2
        assert (await case_of(desk, CaseId(review.id))).outcome == "merged"

    async def test_another_customers_case_needs_a_word_and_tells_their_address_nothing(self, desk: Desk) -> None:
        """Who says that two are one says how they know; answers go to addresses that the case knew."""
        older, newer = await self.two(desk, **OTHER)
        act = await look(desk, newer, self.agent)
        into = (await case_of(desk, older)).reference
        for merger in (Merger(into), Merger(into, "says so"), Merger(into, " ", is_same_person=True)):
            with pytest.raises(PermanentError, match=ANOTHER_CUSTOMER):
                await do(desk, merge, act, merger, POLICY)
        await self.merged(desk, newer, older, "both names on one invoice")
        assert (await case_of(desk, older)).contacts == 2
        (mail,) = await desk.rows(t.case_mails, case_id=older, role="appended")
        said = Answer("Re", "Ecco.", str(OTHER["sender"]), back_by=desk.now + timedelta(days=3))
        with pytest.raises(PermanentError, match="not known"):
            await do(desk, case_acts.answer, await look(desk, older, self.agent), mail.mail_id, said, "Agent")
        before = await desk.acknowledged()
        await desk.pass_time(days=2)
        await desk.settle(COMPLAINT, "e ora?", reference(await case_of(desk, newer)), **OTHER)
        assert (await case_of(desk, older)).contacts == 3
        assert await desk.acknowledged() == before

    async def test_what_does_not_fit_is_refused(self, desk: Desk) -> None:
        """Nobody merges into nothing, into what is closed, or a colleague's case."""
        older, newer = await self.two(desk)
        act = await look(desk, older, self.agent)
        with pytest.raises(PermanentError, match=NOBODY):
            await do(desk, merge, act, Merger("IT-0000"), POLICY)
        await do(desk, case_acts.hand_over, await look(desk, newer, self.agent), self.lead.id, "")
        with pytest.raises(NotYoursError):
            await self.merged(desk, older, newer)
        asked = [row.id for row in await desk.rows(t.asks, case_id=newer)]
        act = await look(desk, newer, self.lead)
        await do(desk, case_acts.close, act, CaseOutcome.REMEDIED, "rang them", asked)
        with pytest.raises(PermanentError, match=NOBODY):
            await self.merged(desk, older, newer)
        assert (await case_of(desk, older)).status == "open"

    async def test_an_answer_that_never_arrived_opens_the_case_that_remains(self, desk: Desk) -> None:
        """A letter sent before the merger bounces after it: the customer is owed an answer where the matter is."""
        older, newer = await self.two(desk)
        (mail,) = await desk.rows(t.case_mails, case_id=older, role="opened")
        said = Answer("Re", "Un momento.", WRITER, back_by=desk.now + timedelta(days=3))
        await do(desk, case_acts.answer, await look(desk, older, self.agent), mail.mail_id, said, "Agent")
        await self.merged(desk, older, newer)
        (entry,) = [one for one in await desk.claim() if one.kind == "reply"]
        await do(desk, failed, entry, OutboxState.FAILED, desk.now, desk.ledger.rng, "refused")
        assert (await case_of(desk, older)).status == "closed"
        assert await desk.told(newer, "reply_failed") == ["agent@shop.example"]

    async def test_an_answer_is_measured_by_what_follows_in_the_other_case(self, desk: Desk) -> None:
        """The customer wrote again where the matter went on; a merger itself ended nothing for them."""
        older, newer = await self.two(desk)
        (mail,) = await desk.rows(t.case_mails, case_id=older, role="opened")
        said = Answer("Re", "Un momento.", WRITER, back_by=desk.now + timedelta(days=9))
        await do(desk, case_acts.answer, await look(desk, older, self.agent), mail.mail_id, said, "Agent")
        await desk.let_everything_leave()
        await self.merged(desk, older, newer)
        await desk.settle(COMPLAINT, "e allora?", reference(await case_of(desk, older)))
        await desk.pass_time(days=15)
        await do(desk, score_due, desk.now)
        (value,) = await desk.rows(t.answer_values)
        assert value.contacts_after == 1
        assert not any("closed" in reason or "state" in reason for reason in value.reasons)

    async def test_a_merger_is_taken_back_whole(self, desk: Desk) -> None:
        """Both cases stand as before, with their clocks, dates and questions; the history says both."""
        older, newer = await self.two(desk, ENERGY)
        read = desk.ledger.database.read
        before = [await read(lambda c, i=i: snapshot(c, i)) for i in (older, newer)]
        await self.merged(desk, older, newer, policy=ENERGY, hold_s=HOLD_S)
        back = await do(desk, take_back, await look(desk, newer, self.agent))
        after = [await read(lambda c, i=i: snapshot(c, i)) for i in (older, newer)]
        assert back.kind == "merged_into"
        assert [{**one, "clocks": set(one["clocks"])} for one in after] == [
            {**one, "clocks": set(one["clocks"])} for one in before
        ]
        assert (await desk.history(older))[-3:] == ["merged_into", "closed", "undone"]
        assert await desk.rows(t.mergers) == []
        assert await desk.problems() == []
        assert (await read(inspect)).problems() == []

    async def test_a_merger_stays_when_something_came_after_it(self, desk: Desk) -> None:
        """A mail, a promise, another act on either of both."""
        older, newer = await self.two(desk)
        await self.merged(desk, older, newer)
        promised = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=9))
        await do(desk, case_acts.promise, await look(desk, newer, self.agent), promised, "a refund")
        with pytest.raises(PermanentError, match=TOO_LATE):
            await do(desk, take_back, await look(desk, newer, self.agent))
