"""What people do at the desk, on every database: acts on cases, lists, sign-in."""

from datetime import timedelta

import pytest

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.cases.people import Person
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, MailOutcome, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage import tables as t
from itaca.storage.asks import tick
from itaca.storage.case_acts import Act, NotYoursError, StaleError
from itaca.storage.desk_case import case_head, case_history, case_promises, news_since, received_mails, sent_letters
from itaca.storage.desk_day import came_back, reviews_waiting
from itaca.storage.desk_flow import load_flow
from itaca.storage.desk_lists import cases_of, open_cases_page
from itaca.storage.desk_people import end_absence, list_colleagues
from itaca.storage.desk_review import decide_review, left_to_decide, next_to_decide
from itaca.storage.paging import Tally
from itaca.storage.people import set_absence
from tests.support.case_facts import WRITER
from tests.support.ledger import NOW, open_ledger
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, UNSURE, Desk

SAID = Answer("Re: Libri", "Li spediamo oggi.", WRITER, CaseOutcome.REMEDIED, "parcel 4711")


class DeskContract:
    """The fixture ``ledger_url`` names an empty ledger."""

    @pytest.fixture
    async def desk(self, ledger_url: str):
        """Give a ledger with an agent, their lead and the head."""
        async with open_ledger(ledger_url) as ledger:
            desk = Desk(ledger)
            desk.agent, desk.lead, desk.head = await desk.staff("agent", "lead", "head")
            yield desk

    async def opened(self, desk: Desk) -> tuple[CaseId, MailId]:
        mail_id = await desk.settle(COMPLAINT)
        (case,) = await desk.cases(CaseKind.COMPLAINT)
        return CaseId(case.id), mail_id

    async def act(self, desk: Desk, case_id: CaseId, who: Person, anybodys: bool = False) -> Act:
        """Return an act of somebody who has just looked at the case."""
        await desk.pass_time(minutes=1)
        (row,) = await desk.rows(t.cases, id=case_id)
        head = await desk.ledger.database.read(lambda c: case_head(c, row.reference))
        assert head is not None
        return Act(case_id, who.id, head.version, desk.now, desk.ledger.rng, anybodys)

    async def do(self, desk: Desk, work, *arguments):
        return await desk.ledger.database.write(lambda c: work(c, *arguments))

    async def test_an_answer_that_settles_the_matter_does_it_all_at_once(self, desk: Desk) -> None:
        """The letter waits in the outbox, the promise is kept, the case is closed with its evidence."""
        case_id, mail_id = await self.opened(desk)
        act = await self.act(desk, case_id, desk.agent)
        await self.do(desk, case_acts.answer, act, mail_id, SAID, "Agent")
        (case,) = await desk.rows(t.cases, id=case_id)
        assert (case.status, case.outcome) == ("closed", "remedied")
        assert [row.state for row in await desk.rows(t.promises, case_id=case_id)] == ["kept"]
        (reply,) = await desk.rows(t.outbox, kind="reply")
        assert (reply.recipient, reply.mail_id, reply.payload["text"]) == (WRITER, mail_id, "Li spediamo oggi.")
        assert await desk.problems() == []

    async def test_an_answer_with_a_date_keeps_one_promise_and_makes_the_next(self, desk: Desk) -> None:
        """The customer always has something to rely on."""
        case_id, mail_id = await self.opened(desk)
        said = Answer("Re: Libri", "Chiedo in magazzino.", WRITER, back_by=desk.now + timedelta(days=4))
        await self.do(desk, case_acts.answer, await self.act(desk, case_id, desk.agent), mail_id, said, "Agent")
        promised = await desk.ledger.database.read(lambda c: case_promises(c, case_id))
        assert [(one.kind, one.state) for one in promised] == [
            (PromiseKind.ANSWER, "open"),
            (PromiseKind.ANSWER, "kept"),
        ]

    async def test_an_answer_that_leaves_nothing_to_rely_on_is_refused(self, desk: Desk) -> None:
        """Neither closed nor dated: nothing is sent."""
        case_id, mail_id = await self.opened(desk)
        act = await self.act(desk, case_id, desk.agent)
        with pytest.raises(PermanentError, match="names a date"):
            await self.do(desk, case_acts.answer, act, mail_id, Answer("Re", "Vedremo.", WRITER), "Agent")
        assert await desk.rows(t.outbox, kind="reply") == []

    async def test_an_answer_never_closes_over_an_open_question(self, desk: Desk) -> None:
        """Nothing is sent and nothing is closed until what the customer asked is ticked."""
        mail_id = await desk.settle(COMPLAINT, "Dove sono i libri?")
        (case,) = await desk.cases(CaseKind.COMPLAINT)
        act = await self.act(desk, CaseId(case.id), desk.agent)
        with pytest.raises(PermanentError, match="still open: 1"):
            await self.do(desk, case_acts.answer, act, mail_id, SAID, "Agent")
        assert await desk.rows(t.outbox, kind="reply") == []
        (ask,) = await desk.rows(t.asks)
        await self.do(desk, tick, act.case_id, [ask.id], "the parcel of today", act.now, act.rng, "agent")
        await self.do(desk, case_acts.answer, await self.act(desk, act.case_id, desk.agent), mail_id, SAID, "Agent")
        assert (await desk.rows(t.cases, id=case.id))[0].status == "closed"

    async def test_an_answer_goes_to_addresses_of_the_customer_only(self, desk: Desk) -> None:
        """What a case holds is told to nobody whom it did not know."""
        case_id, mail_id = await self.opened(desk)
        act = await self.act(desk, case_id, desk.agent)
        elsewhere = Answer("Re", "Ecco.", "altro@posta.example", CaseOutcome.ANSWERED, "told them")
        with pytest.raises(PermanentError, match="not known"):
            await self.do(desk, case_acts.answer, act, mail_id, elsewhere, "Agent")

    async def test_who_saw_an_older_version_changes_nothing(self, desk: Desk) -> None:
        """The second of two saves is refused, and the news say what the first one did."""
        case_id, _ = await self.opened(desk)
        first, second = await self.act(desk, case_id, desk.agent), await self.act(desk, case_id, desk.lead, True)
        await self.do(desk, case_acts.take, second)
        with pytest.raises(StaleError):
            await self.do(desk, case_acts.close, first, CaseOutcome.REMEDIED, "parcel 4711")
        news = await desk.ledger.database.read(lambda c: news_since(c, case_id, first.version))
        assert [(one.kind, one.actor) for one in news] == [("taken", "lead")]
        assert (await desk.rows(t.cases, id=case_id))[0].status == "open"

    async def test_a_case_of_somebody_else_must_be_taken_first(self, desk: Desk) -> None:
        """Two people never answer one customer without knowing of each other."""
        case_id, _ = await self.opened(desk)
        with pytest.raises(NotYoursError):
            act = await self.act(desk, case_id, desk.lead)
            await self.do(desk, case_acts.close, act, CaseOutcome.REMEDIED, "parcel 4711")
        await self.do(desk, case_acts.take, await self.act(desk, case_id, desk.lead))
        await self.do(
            desk, case_acts.close, await self.act(desk, case_id, desk.lead), CaseOutcome.REMEDIED, "parcel 4711"
        )
        assert "taken" in await desk.history(case_id)

    async def test_a_case_handed_over_belongs_to_the_colleague_who_is_told(self, desk: Desk) -> None:
        """Owner, history and notice change together."""
        case_id, _ = await self.opened(desk)
        act = await self.act(desk, case_id, desk.agent)
        await self.do(desk, case_acts.hand_over, act, desk.lead.id, "knows the warehouse")
        assert (await desk.rows(t.cases, id=case_id))[0].owner_id == desk.lead.id
        assert await desk.told(case_id, "handed_over") == ["lead@shop.example"]

    async def test_a_new_promise_never_puts_off_an_earlier_one(self, desk: Desk) -> None:
        """Both stand; what breaks first is shown."""
        case_id, _ = await self.opened(desk)
        (before,) = (await desk.ledger.database.read(lambda c: open_cases_page(c, desk.agent.id))).lines
        promised = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=30))
        await self.do(desk, case_acts.promise, await self.act(desk, case_id, desk.agent), promised, "a refund")
        (after,) = (await desk.ledger.database.read(lambda c: open_cases_page(c, desk.agent.id))).lines
        assert after.due_at == before.due_at
        assert len(await desk.rows(t.promises, case_id=case_id, state="open")) == 2

    async def test_the_last_promise_of_an_open_case_is_followed_by_another(self, desk: Desk) -> None:
        """An open case in which nothing is owed would be forgotten."""
        case_id, _ = await self.opened(desk)
        (promise,) = await desk.rows(t.promises, case_id=case_id)
        act = await self.act(desk, case_id, desk.agent)
        with pytest.raises(PermanentError, match="promise what comes next"):
            await self.do(desk, case_acts.keep_promise, act, promise.id, "rang them")
        then = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=2))
        await self.do(desk, case_acts.keep_promise, act, promise.id, "rang them", then)
        assert await desk.problems() == []

    async def test_a_label_stands_in_the_history(self, desk: Desk) -> None:
        """Who said what a mail is, and when."""
        case_id, mail_id = await self.opened(desk)
        act = await self.act(desk, case_id, desk.agent)
        await self.do(desk, case_acts.label, act, mail_id, [Intent.ORDER], desk.agent.email)
        assert [row.intents for row in await desk.rows(t.labels)] == [["order"]]
        history = await desk.ledger.database.read(lambda c: case_history(c, case_id))
        assert (history[0].kind, history[0].actor) == ("labelled", "agent")

    async def test_the_page_of_a_case_holds_mails_letters_and_the_customers_other_cases(self, desk: Desk) -> None:
        """Everything about one customer stands together."""
        case_id, mail_id = await self.opened(desk)
        await desk.settle(CANCELLATION)
        (case,) = await desk.rows(t.cases, id=case_id)
        read = desk.ledger.database.read
        received = await read(lambda c: received_mails(c, case_id))
        assert [(one.mail_id, one.role, one.judgement is not None) for one in received] == [(mail_id, "opened", True)]
        assert [one.kind.value for one in await read(lambda c: sent_letters(c, case_id))] == ["acknowledgement"]
        kinds = {one.kind for one in await read(lambda c: cases_of(c, case.customer_id))}
        assert kinds == {CaseKind.COMPLAINT, CaseKind.CANCELLATION}

    async def test_a_day_shows_what_waits_and_what_came_back(self, desk: Desk) -> None:
        """My cases, the mail I am to decide about, and customers who wrote again."""
        case_id, _ = await self.opened(desk)
        await desk.settle(COMPLAINT)
        await desk.settle(UNSURE, sender="b@altra.example", reply_to_address="b@altra.example")
        read, agent = desk.ledger.database.read, desk.agent.id
        assert [line.id for line in (await read(lambda c: open_cases_page(c, agent))).lines] == [case_id]
        assert await read(lambda c: reviews_waiting(c, agent)) == (Tally(1), Tally(0))
        assert [one.kind for one in await read(lambda c: came_back(c, agent, NOW))] == ["appended"]

    async def test_a_decided_mail_gets_the_cases_that_the_person_saw(self, desk: Desk) -> None:
        """An order and a complaint in one mail become two cases; the review ends in them, with its label."""
        await desk.settle(UNSURE)
        waiting = await desk.ledger.database.read(lambda c: next_to_decide(c, desk.agent.id, False))
        assert waiting is not None
        await desk.pass_time(days=3)
        act = Act(waiting.case_id, desk.agent.id, waiting.version, desk.now, desk.ledger.rng)
        both = [Intent.ORDER, Intent.COMPLAINT]
        opened = await self.do(desk, decide_review, act, both, desk.agent.email, POLICY)
        kinds = {row.kind: (row.reference, row.status) for row in await desk.cases()}
        assert {kinds["complaint"][0], kinds["order"][0]} == set(opened)
        assert kinds["review"][1] == "closed"
        assert {row.state for row in await desk.rows(t.promises)} == {"open", "kept"}
        assert all(row.due_at > row.made_at for row in await desk.rows(t.promises, state="open"))
        assert [row.intents for row in await desk.rows(t.labels)] == [["complaint", "order"]]
        assert await desk.problems() == []

    async def test_a_mail_that_asks_nothing_ends_as_nothing(self, desk: Desk) -> None:
        """No case is made of it, and nobody is asked again."""
        await desk.settle(UNSURE)
        read, agent = desk.ledger.database.read, desk.agent.id
        waiting = await read(lambda c: next_to_decide(c, agent, False))
        act = Act(waiting.case_id, agent, waiting.version, desk.now, desk.ledger.rng)
        assert await self.do(desk, decide_review, act, [], desk.agent.email, POLICY) == []
        assert [(row.kind, row.outcome) for row in await desk.cases()] == [("review", "not_a_matter")]
        assert await read(lambda c: next_to_decide(c, agent, True)) is None
        assert await read(lambda c: left_to_decide(c, agent, True)) == Tally(0)

    async def test_a_mail_put_off_comes_after_the_others(self, desk: Desk) -> None:
        """And comes back when it is the only one."""
        for n in range(2):
            await desk.settle(UNSURE, sender=f"c{n}@posta{n}.example", reply_to_address="")
        read, agent = desk.ledger.database.read, desk.agent.id
        first = await read(lambda c: next_to_decide(c, agent, False))
        second = await read(lambda c: next_to_decide(c, agent, False, first.reference))
        assert second.reference != first.reference
        act = Act(second.case_id, agent, second.version, desk.now, desk.ledger.rng)
        await self.do(desk, decide_review, act, [], desk.agent.email, POLICY)
        again = await read(lambda c: next_to_decide(c, agent, False, first.reference))
        assert again.reference == first.reference

    async def test_the_flow_counts_the_day_by_hour_and_outcome(self, desk: Desk) -> None:
        """What has no outcome yet is counted too."""
        await desk.settle(COMPLAINT)
        await desk.settle(UNSURE, sender="b@altra.example", reply_to_address="")
        await desk.pass_time(hours=2)
        await desk.take()
        midnight = NOW.replace(hour=0, minute=0)
        flow = await desk.ledger.database.read(lambda c: load_flow(c, desk.now, midnight))
        assert {hour: counts.total() for hour, counts in flow.by_hour.items()} == {8: 2, 10: 1}
        assert flow.today == {MailOutcome.CASE: 1, MailOutcome.REVIEW: 1, None: 1}
        assert {one.kind for one in flow.waiting} == {"acknowledgement", "notice"}
        assert flow.overdue == Tally(0)

    async def test_people_stand_with_their_absences_and_what_they_may_do(self, desk: Desk) -> None:
        """An absence of today makes somebody away; struck, they are back."""
        today = POLICY.calendar.today(desk.now)
        agent = desk.agent.id
        await desk.ledger.database.write(lambda c: set_absence(c, agent, today, today))
        everybody = await desk.ledger.database.read(lambda c: list_colleagues(c, today))
        assert [(one.person.name, one.person.is_at_work) for one in everybody] == [
            ("agent", False),
            ("head", True),
            ("lead", True),
        ]
        assert everybody[0].lead == "lead"
        await desk.ledger.database.write(lambda c: end_absence(c, agent, today))
        assert (await desk.ledger.database.read(lambda c: list_colleagues(c, today)))[0].person.is_at_work
