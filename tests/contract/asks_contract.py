"""What every database must do about questions: each is ticked or promised before the matter ends."""

import pytest
from sqlalchemy import insert, update

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, Verdict
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.asks import AskState, add_ask, asks_of, carry_asks, question_check, tick, tick_all
from itaca.storage.cases import close_case, keep_promises
from tests.contract.clocks_contract import the_case
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, Desk


class AskContract:
    """Every question is ticked or promised before the matter ends."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent."""
        await desk.staff("agent")

    async def close(self, desk: Desk, outcome: CaseOutcome = CaseOutcome.ANSWERED) -> bool:
        case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
        return await desk.ledger.database.write(
            lambda c: close_case(c, case_id, outcome, "letter 7", now, rng, "agent")
        )

    async def test_an_open_ask_keeps_its_case_open(self, desk: Desk) -> None:
        """The code refuses it in words, and the database whoever asks; ticked, the case closes."""
        await desk.settle(COMPLAINT, "Dove sono i libri? Ho pagato. Vorrei il rimborso.")
        case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
        check = await desk.ledger.database.read(lambda c: question_check(c, case_id))
        assert [ask.says for ask in check.asks] == ["Dove sono i libri?", "Vorrei il rimborso."]
        with pytest.raises(PermanentError, match="still open: 2"):
            await self.close(desk)
        closed = {"status": "closed", "outcome": "answered", "closed_at": 5}
        with pytest.raises(PermanentError):
            await desk.ledger.database.write(lambda c: c.execute(update(t.cases).values(closed)))
        write, (first, second) = desk.ledger.database.write, check.asks
        assert await write(lambda c: tick(c, case_id, [first.id], "sent on 7 March", now, rng, "agent")) == 1
        with pytest.raises(PermanentError, match="still open: 1"):
            await self.close(desk)
        promised = {"state": AskState.PROMISED}
        assert await write(lambda c: tick(c, case_id, [second.id], "by Friday", now, rng, "agent", **promised)) == 1
        assert await self.close(desk)
        states = [
            (ask.state, ask.how, ask.by) for ask in await desk.ledger.database.read(lambda c: asks_of(c, case_id))
        ]
        assert states == [("ticked", "sent on 7 March", "agent"), ("promised", "by Friday", "agent")]

    async def test_the_same_question_twice_is_one(self, desk: Desk) -> None:
        """Whoever repeats it hears one answer; whoever asks again afterwards has asked again."""
        for words in ("Dove sono i libri?", "DOVE SONO I LIBRI?"):
            await desk.settle(COMPLAINT, words)
        case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
        (ask,) = (await desk.ledger.database.read(lambda c: question_check(c, case_id))).asks
        write = desk.ledger.database.write
        assert await write(lambda c: tick(c, case_id, [ask.id], "arrived", now, rng, "agent")) == 2
        assert (await desk.ledger.database.read(lambda c: question_check(c, case_id))).may_close
        await desk.settle(COMPLAINT, "Dove sono i libri?")
        assert not (await desk.ledger.database.read(lambda c: question_check(c, case_id))).may_close

    async def test_nothing_is_ticked_without_words_or_promised_without_promise(self, desk: Desk) -> None:
        """A tick says how; a promised ask has a promise."""
        await desk.settle(COMPLAINT, "Dove sono i libri?")
        case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
        write = desk.ledger.database.write
        with pytest.raises(PermanentError, match="say how"):
            await write(lambda c: tick_all(c, case_id, " ", now, rng, "agent"))
        await write(lambda c: keep_promises(c, case_id, "letter 7", now, rng, "agent"))
        ids = [ask.id for ask in await desk.ledger.database.read(lambda c: asks_of(c, case_id))]
        with pytest.raises(PermanentError, match="promise a date first"):
            await write(lambda c: tick(c, case_id, ids, "soon", now, rng, "agent", state=AskState.PROMISED))
        with pytest.raises(PermanentError):
            await write(lambda c: c.execute(update(t.asks).values(state="ticked", ended_at=1, ended_by="x", how="")))

    async def test_what_was_no_matter_takes_its_asks_with_it(self, desk: Desk) -> None:
        """Nobody answers the questions of an advertisement."""
        await desk.settle(COMPLAINT, "Vuole un sito nuovo?")
        assert await self.close(desk, CaseOutcome.NOT_A_MATTER)
        assert [row.state for row in await desk.rows(t.asks)] == ["void"]

    async def test_a_person_adds_what_the_machine_did_not_see(self, desk: Desk) -> None:
        """Asked on the phone; it counts like any other."""
        await desk.settle(COMPLAINT)
        case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
        write = desk.ledger.database.write
        await write(lambda c: add_ask(c, case_id, "wants a call on Monday", now, rng, "agent"))
        with pytest.raises(PermanentError, match="says what"):
            await write(lambda c: add_ask(c, case_id, " ", now, rng, "agent"))
        with pytest.raises(PermanentError, match="still open: 1"):
            await self.close(desk)

    async def test_orders_ask_nothing_and_requests_of_cancellations_are_their_matter(self, desk: Desk) -> None:
        """ "Vorrei disdire" is what the case is about; a question in the same mail is a question."""
        await desk.settle(ORDER, "Vorrei tre libri. Quando arrivano?")
        await desk.settle(CANCELLATION, "Vorrei disdire. Da quando vale?", sender="b@posta.example")
        assert [row.says for row in await desk.rows(t.asks)] == ["Da quando vale?"]

    async def test_asks_move_with_a_merger(self, desk: Desk) -> None:
        """The case that remains must answer them; the other may end."""
        await desk.settle(COMPLAINT, "Dove sono i libri?")
        await desk.settle(COMPLAINT, sender="b@posta.example")
        first, second = (CaseId(case.id) for case in await desk.cases())
        assert await desk.ledger.database.write(lambda c: carry_asks(c, first, second)) == 1
        assert await self.close(desk, CaseOutcome.MERGED)
        assert not (await desk.ledger.database.read(lambda c: question_check(c, second))).may_close

    async def test_an_intent_without_a_case_is_listed(self, desk: Desk) -> None:
        """A doubt about an order inside a complaint stands beside the questions."""
        await desk.settle(
            COMPLAINT.model_copy(update={"verdicts": {**COMPLAINT.verdicts, Intent.ORDER: Verdict.UNSURE}})
        )
        case_id = await the_case(desk)
        check = await desk.ledger.database.read(lambda c: question_check(c, case_id))
        assert (check.intents, check.may_close) == ([Intent.ORDER], True)

    async def test_a_complaint_closed_without_outcome_or_owner_is_refused(self, desk: Desk) -> None:
        """Whatever code writes: no close without outcome, no complaint without a person, no ask without words."""
        mail_id = await desk.settle(COMPLAINT)
        case_id = await the_case(desk)
        for values in ({"status": "closed"}, {"status": "closed", "closed_at": 5}, {"owner_id": None}):
            with pytest.raises(PermanentError):
                await desk.ledger.database.write(lambda c, v=values: c.execute(update(t.cases).values(**v)))
        row = {"id": "a", "case_id": case_id, "mail_id": mail_id, "asked_at": 1, "says": ""}
        with pytest.raises(PermanentError):
            await desk.ledger.database.write(lambda c: c.execute(insert(t.asks).values(row)))
        assert [case.kind for case in await desk.cases()] == [CaseKind.COMPLAINT]
