"""What every database must do about an act that was a mistake: taken back at once and whole, or not at all."""

from datetime import timedelta

import pytest

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.cases.interactions import RecordedFile
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, PromiseKind
from itaca.errors import PermanentError
from itaca.keys import Keyring
from itaca.storage import case_acts
from itaca.storage import tables as t
from itaca.storage.answer_files import load_files, sent_files
from itaca.storage.case_acts import StaleError
from itaca.storage.case_snapshots import SAME_MATTER, snapshot
from itaca.storage.case_undoing import HAS_LEFT, TOO_LATE, UNDO_WITHIN, last_act, take_back, undoable
from itaca.storage.labels import set_label
from itaca.storage.webhooks import WebhookEvent, add_webhook
from tests.contract.merging_contract import BOOKS, ENERGY
from tests.support.case_facts import WRITER
from tests.support.desk_acts import HOLD_S, case_of, complain, do, look
from tests.support.routed import CANCELLATION, COMPLAINT, Desk, reference

BILL = RecordedFile("fattura n° 7.pdf", "application/pdf", b"%PDF-1.7 bill")
SAID = Answer("Re: Libri", "Li spediamo oggi.", WRITER, CaseOutcome.REMEDIED, "parcel 4711", files=(BILL, BILL))


class UndoingContract:
    """The last act on a case is taken back, if nothing came after it."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        self.agent, self.lead, self.head = await desk.staff("agent", "lead", "head")

    async def begin(self, desk: Desk) -> tuple[CaseId, MailId]:
        return await complain(desk, "4711", BOOKS, policy=ENERGY)

    async def done(self, desk: Desk, case_id: CaseId, kind: str, work, *arguments, who=None, hold_s=HOLD_S) -> None:
        """Do something that can be taken back."""
        act = await look(desk, case_id, who or self.agent, hold_s=hold_s)

        def remembered(c) -> None:
            with undoable(c, act, kind):
                work(c, act, *arguments)

        await desk.ledger.database.write(remembered)

    async def asked(self, desk: Desk, case_id: CaseId) -> list[str]:
        return [row.id for row in await desk.rows(t.asks, case_id=case_id)]

    async def answered(self, desk: Desk, case_id: CaseId, mail_id: MailId, hold_s: float = HOLD_S) -> None:
        asked = await self.asked(desk, case_id)
        await self.done(desk, case_id, "replied", case_acts.answer, mail_id, SAID, "Agent", asked, hold_s=hold_s)

    async def test_what_nobody_can_take_back_is_not_kept(self, desk: Desk) -> None:
        """How a case stood is forgotten by the next act after ten minutes, on whichever case that is."""
        acted = [await complain(desk, number, BOOKS, policy=ENERGY) for number in ("4711", "4712", "4713")]
        for minutes, (case_id, _) in zip((0, 5, 7), acted, strict=True):
            await desk.pass_time(minutes=minutes)
            await self.done(desk, case_id, "taken", case_acts.take)
        assert [row.case_id for row in await desk.rows(t.last_acts)] == [case_id for case_id, _ in acted[1:]]

    @pytest.mark.parametrize("which", ["taken", "handed_over", "promised", "promise_kept", "labelled", "closed"])
    async def test_every_act_leaves_the_case_as_it_was(self, desk: Desk, which: str) -> None:
        """Owner, promises, questions, clocks, labels; the history keeps the act and its end."""
        case_id, mail_id = await self.begin(desk)
        (promise,) = await desk.rows(t.promises)
        then = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(days=5))
        acts = {
            "taken": (case_acts.take,),
            "handed_over": (case_acts.hand_over, self.lead.id, "knows it"),
            "promised": (case_acts.promise, then, "a refund"),
            "promise_kept": (case_acts.keep_promise, promise.id, "rang them", then),
            "labelled": (case_acts.label, mail_id, [Intent.ORDER], self.agent.email),
            "closed": (case_acts.close, CaseOutcome.REMEDIED, "parcel 4711", await self.asked(desk, case_id)),
        }
        who = self.lead if which == "taken" else self.agent
        read = desk.ledger.database.read
        before = await read(lambda c: snapshot(c, case_id))
        work, *arguments = acts[which]
        await self.done(desk, case_id, which, work, *arguments, who=who)
        assert await read(lambda c: snapshot(c, case_id)) != before
        assert await read(lambda c: last_act(c, case_id, who.id, desk.now)) == which
        back = await do(desk, take_back, await look(desk, case_id, who))
        assert back.kind == which
        assert await read(lambda c: snapshot(c, case_id)) == before
        assert which in await desk.history(case_id)
        assert (await desk.history(case_id))[-1] == "undone"
        assert await desk.problems() == []

    async def test_a_label_of_somebody_else_stays(self, desk: Desk) -> None:
        """Labels come from elsewhere too, and write no line into the history of a case."""
        case_id, mail_id = await self.begin(desk)
        await self.done(desk, case_id, "labelled", case_acts.label, mail_id, [Intent.ORDER], self.agent.email)
        for who, is_blind in ((self.lead, False), (self.agent, True)):
            await do(desk, set_label, mail_id, [], who.email, is_blind, desk.now, desk.ledger.rng)
        await do(desk, take_back, await look(desk, case_id, self.agent))
        left = {(row.person_id, row.is_blind) for row in await desk.rows(t.labels)}
        assert left == {(self.lead.id, False), (self.agent.id, True)}

    async def test_a_closed_cancellation_is_again_what_it_was(self, desk: Desk) -> None:
        """Its watch has not begun, and its effect is owed."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        case_id = CaseId(case.id)
        before = await desk.rows(t.cancellations)
        await self.done(desk, case_id, "closed", case_acts.close, CaseOutcome.EFFECTED, "billing says so")
        assert await desk.rows(t.cancellations) != before
        await do(desk, take_back, await look(desk, case_id, self.agent))
        assert await desk.rows(t.cancellations) == before

    async def test_an_answer_comes_back_while_it_is_held(self, desk: Desk) -> None:
        """Nothing is claimed before its time; taken back, its words are there again and its files are gone."""
        case_id, mail_id = await self.begin(desk)
        await desk.let_everything_leave()
        before = await desk.ledger.database.read(lambda c: snapshot(c, case_id))
        await self.answered(desk, case_id, mail_id, hold_s=120)
        assert await desk.claim() == []
        back = await do(desk, take_back, await look(desk, case_id, self.agent))
        assert (back.letter["text"], back.letter["recipient"], back.had_files) == (SAID.text, WRITER, True)
        assert await desk.ledger.database.read(lambda c: snapshot(c, case_id)) == before
        assert await desk.rows(t.outbox, kind="reply") == []
        assert (await desk.rows(t.letter_files), await desk.rows(t.kept_files)) == ([], [])

    @pytest.mark.parametrize("by_answer", [False, True])
    async def test_nobody_is_told_of_a_closing_that_is_taken_back(self, desk: Desk, by_answer: bool) -> None:
        """`case.closed` waits as letters do; it goes with the act, or leaves when its time has come."""
        await self.subscribed(desk)
        case_id, mail_id = await self.begin(desk)
        await desk.let_everything_leave()
        for takes_back in (True, False):
            if by_answer:
                await self.answered(desk, case_id, mail_id, hold_s=120)
            else:
                closing = (CaseOutcome.REMEDIED, "parcel 4711", await self.asked(desk, case_id))
                await self.done(desk, case_id, "closed", case_acts.close, *closing, hold_s=120)
            assert await desk.claim() == []
            if takes_back:
                await do(desk, take_back, await look(desk, case_id, self.agent))
                assert await desk.rows(t.outbox, kind="webhook") == []
        await desk.pass_time(seconds=120)
        assert "webhook" in {entry.kind for entry in await desk.claim()}

    async def subscribed(self, desk: Desk) -> None:
        now, rng, ring = desk.now, desk.ledger.rng, Keyring([bytes(32)])
        events = [WebhookEvent.CASE_CLOSED]
        await desk.ledger.database.write(lambda c: add_webhook(c, "https://a.example", events, now, rng, ring))

    async def test_an_answer_that_is_leaving_never_comes_back(self, desk: Desk) -> None:
        """The courier has claimed it, or it has left: it is not offered, and refused."""
        case_id, mail_id = await self.begin(desk)
        await self.answered(desk, case_id, mail_id)
        await desk.pass_time(seconds=HOLD_S)
        assert "reply" in {entry.kind for entry in await desk.claim()}
        assert not await desk.ledger.database.read(lambda c: last_act(c, case_id, self.agent.id, desk.now))
        with pytest.raises(PermanentError, match=HAS_LEFT):
            await do(desk, take_back, await look(desk, case_id, self.agent))
        assert (await case_of(desk, case_id)).status == "closed"

    async def test_files_of_an_answer_are_kept_before_it_leaves_and_once(self, desk: Desk) -> None:
        """Two names, one content; what leaves is what was given, byte for byte."""
        case_id, mail_id = await self.begin(desk)
        await self.answered(desk, case_id, mail_id)
        (reply,) = await desk.rows(t.outbox, kind="reply")
        read = desk.ledger.database.read
        assert await read(lambda c: load_files(c, reply.id)) == [BILL, BILL]
        assert [(one.name, one.size_bytes) for one in await read(lambda c: sent_files(c, [reply.id]))] == [
            (BILL.name, len(BILL.content))
        ] * 2
        assert len(await desk.rows(t.kept_files)) == 1

    async def test_nobody_takes_back_what_another_did(self, desk: Desk) -> None:
        """Nor one's own act of a while ago, nor twice."""
        case_id, _ = await self.begin(desk)
        await self.done(desk, case_id, "taken", case_acts.take, who=self.lead)
        with pytest.raises(PermanentError, match=TOO_LATE):
            await do(desk, take_back, await look(desk, case_id, self.agent, anybodys=True))
        await desk.pass_time(minutes=UNDO_WITHIN.total_seconds() / 60)
        with pytest.raises(PermanentError, match=TOO_LATE):
            await do(desk, take_back, await look(desk, case_id, self.lead))

    async def test_whatever_came_after_it_stands(self, desk: Desk) -> None:
        """A mail of the customer: the act stays, and so does what the page has not shown."""
        case_id, _ = await self.begin(desk)
        await self.done(desk, case_id, "taken", case_acts.take, who=self.lead)
        seen = await look(desk, case_id, self.lead)
        await desk.settle(COMPLAINT, "e allora?", reference(await case_of(desk, case_id)))
        with pytest.raises(StaleError):
            await do(desk, take_back, seen)
        with pytest.raises(PermanentError, match=TOO_LATE):
            await do(desk, take_back, await look(desk, case_id, self.lead))
        assert (await case_of(desk, case_id)).owner_id == self.lead.id

    async def test_a_closed_case_stays_closed_when_another_took_its_place(self, desk: Desk) -> None:
        """The customer complained anew on the same matter: two open cases would be one too many."""
        case_id, _ = await self.begin(desk)
        asked = await self.asked(desk, case_id)
        await self.done(desk, case_id, "closed", case_acts.close, CaseOutcome.REMEDIED, "parcel 4711", asked)
        await complain(desk, "4711")
        with pytest.raises(PermanentError, match=SAME_MATTER):
            await do(desk, take_back, await look(desk, case_id, self.agent))

    async def test_a_colleague_who_was_told_is_told_again(self, desk: Desk) -> None:
        """The notice has left: another one says that the case is not theirs after all."""
        case_id, _ = await self.begin(desk)
        await desk.let_everything_leave()
        await self.done(desk, case_id, "handed_over", case_acts.hand_over, self.lead.id, "", hold_s=0)
        await desk.let_everything_leave()
        await do(desk, take_back, await look(desk, case_id, self.agent))
        assert await desk.told(case_id, "taken_back") == ["lead@shop.example"]
