"""What people do at the desk, on every database: acts on cases, lists, sign-in."""

from datetime import datetime, timedelta

import pytest

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.cases.people import Person
from itaca.cases.roles import Role
from itaca.contracts.ids import CaseId, MailId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage import tables as t
from itaca.storage.accounts import find_account, first_admin, set_password
from itaca.storage.case_acts import Act, NotYoursError, StaleError
from itaca.storage.desk_case import case_head, case_history, case_promises, news_since, received_mails, sent_letters
from itaca.storage.desk_day import all_cases, came_back, cases_of, find_cases, my_cases, reviews_waiting
from itaca.storage.desk_events import DoorEvent, newest, note, refusals
from itaca.storage.desk_sessions import also_looking, begin_session, end_session, look_at, signed_in
from itaca.storage.invitations import digest, invite_first_admin, invite_person
from tests.support.case_facts import WRITER
from tests.support.ledger import NOW, open_ledger
from tests.support.routed import CANCELLATION, COMPLAINT, UNSURE, Desk

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
        (before,) = await desk.ledger.database.read(lambda c: my_cases(c, desk.agent.id))
        promised = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=30))
        await self.do(desk, case_acts.promise, await self.act(desk, case_id, desk.agent), promised, "a refund")
        (after,) = await desk.ledger.database.read(lambda c: my_cases(c, desk.agent.id))
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
        assert {one.id for one in await read(lambda c: find_cases(c, WRITER.upper()))} >= {case_id}

    async def test_a_day_shows_what_waits_and_what_came_back(self, desk: Desk) -> None:
        """My cases, the mail I am to decide about, and customers who wrote again."""
        case_id, _ = await self.opened(desk)
        await desk.settle(COMPLAINT)
        await desk.settle(UNSURE, sender="b@altra.example", reply_to_address="b@altra.example")
        read, agent = desk.ledger.database.read, desk.agent.id
        assert [line.id for line in await read(lambda c: my_cases(c, agent))] == [case_id]
        assert await read(lambda c: reviews_waiting(c, agent)) == (1, 0)
        assert [one.kind for one in await read(lambda c: came_back(c, agent, NOW))] == ["appended"]

    async def test_the_list_of_all_cases_goes_on_where_it_stopped(self, desk: Desk) -> None:
        """Page after page, each case once, whatever their dates."""
        for n in range(7):
            who = f"c{n}@posta{n}.example"
            await desk.settle(COMPLAINT, sender=who, reply_to_address=who)
        seen: list[str] = []
        after: tuple[int, str] | None = None
        while page := await desk.ledger.database.read(lambda c, a=after: all_cases(c, a, 3)):
            seen += [line.id for line in page]
            due = page[-1].due_at
            assert due is not None
            after = (round(due.timestamp() * 1e6), page[-1].id)
        assert len(seen) == len(set(seen)) == 7

    async def test_a_link_sets_one_password_and_ends(self, desk: Desk) -> None:
        """Used, replaced or too old, it counts no more."""
        write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
        first = await write(lambda c: invite_first_admin(c, now, timedelta(hours=1), rng))
        second = await write(lambda c: invite_first_admin(c, now, timedelta(hours=1), rng))
        assert first is not None
        assert second is not None
        assert await write(lambda c: set_password(c, digest(first), "hash", now)) is None
        assert await write(lambda c: set_password(c, digest(second), "hash", now + timedelta(hours=2))) is None
        kept = await write(lambda c: set_password(c, digest(second), "hash", now))
        assert kept is not None
        assert kept.role is Role.ADMIN
        assert await write(lambda c: set_password(c, digest(second), "other", now)) is None
        assert await desk.ledger.database.read(first_admin) is None

    async def test_a_session_ends_by_its_date_and_by_signing_out(self, desk: Desk) -> None:
        """A cookie of yesterday opens nothing; two people on one case see each other."""
        write, now = desk.ledger.database.write, desk.now
        for person in (desk.agent, desk.lead):
            await self._let_in(desk, person, now)
        read = desk.ledger.database.read
        assert (await read(lambda c: signed_in(c, "agent", now))).email == "agent@shop.example"
        assert await read(lambda c: signed_in(c, "agent", now + timedelta(hours=2))) is None
        await write(lambda c: look_at(c, "lead", "IT-1", now))
        assert await read(lambda c: also_looking(c, "IT-1", desk.agent.id, now)) == ["lead"]
        assert await read(lambda c: also_looking(c, "IT-1", desk.agent.id, now + timedelta(minutes=9))) == []
        await write(lambda c: end_session(c, "agent"))
        assert await read(lambda c: signed_in(c, "agent", now)) is None

    async def test_what_happens_at_the_door_is_counted_and_never_changed(self, desk: Desk) -> None:
        """Refusals are counted by network address and by person; the trail cannot be rewritten."""
        write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
        for client, subject in (("10.0.0.1", "a"), ("10.0.0.1", "b"), ("10.0.0.2", "a")):
            await write(lambda c, x=client, y=subject: note(c, DoorEvent.REFUSED, now, rng, client=x, subject=y))
        since = now - timedelta(minutes=15)
        assert await desk.ledger.database.read(lambda c: refusals(c, "10.0.0.1", "a", since)) == (2, 2)
        assert len(await desk.ledger.database.read(newest)) == 3
        with pytest.raises(PermanentError, match="refuses"):
            await write(lambda c: c.execute(t.desk_events.update().values(client="")))

    async def test_whoever_left_cannot_sign_in(self, desk: Desk) -> None:
        """An account is as active as its person."""
        await self._let_in(desk, desk.agent, desk.now)
        await desk.ledger.database.write(
            lambda c: c.execute(t.people.update().where(t.people.c.id == desk.agent.id).values(is_active=False))
        )
        assert await desk.ledger.database.read(lambda c: find_account(c, "agent@shop.example")) is None
        assert await desk.ledger.database.read(lambda c: signed_in(c, "agent", desk.now)) is None

    async def _let_in(self, desk: Desk, person: Person, now: datetime) -> None:
        rng = desk.ledger.rng

        def work(c) -> None:
            secret = invite_person(c, PersonId(person.id), Role.AGENT, now, timedelta(hours=1), rng)
            set_password(c, digest(secret), "hash", now)
            begin_session(c, person.name, PersonId(person.id), now, now + timedelta(hours=1))

        await desk.ledger.database.write(work)
