"""What every database must do to measure answers: noted, scored in time, ranked, their causes removed."""

import functools
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from itaca.cases.closing import Answer
from itaca.cases.value import Cause
from itaca.contracts.ids import CaseId, PersonId
from itaca.contracts.intents import CaseOutcome, OutboxKind
from itaca.errors import PermanentError
from itaca.mail.model import Attachment, EntityKind
from itaca.storage import tables as t
from itaca.storage.asks import tick_all
from itaca.storage.case_acts import Act, answer
from itaca.storage.cases import close_case
from itaca.storage.departures import departed
from itaca.storage.desk_case import case_version
from itaca.storage.entries import Entries
from itaca.storage.removals import begin_removal, finish_removal, list_removals
from itaca.storage.values import By, Moved, note_movement, score_due, value_so_far, zero_values
from tests.support.case_facts import WRITER, order_number
from tests.support.routed import COMPLAINT, NOTHING, Desk

FORTNIGHT = timedelta(days=14)
PHOTO = Attachment(name="pacco.jpg", content_type="image/jpeg", size_bytes=2, sha256="0" * 64)


class ValueContract:
    """The value of interactions."""

    agent: PersonId

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent with a lead."""
        self.agent = (await desk.staff("agent", "lead"))[0].id

    async def reply(self, desk: Desk, case_id: CaseId, *events: str, **payload: Any) -> str:
        """Answer in a case and do these things with it; return the interaction."""
        await desk.pass_time(seconds=1)
        mail_id = (await desk.rows(t.case_mails, case_id=case_id))[0].mail_id

        def write(conn: Connection) -> None:
            entries = Entries(desk.now, desk.ledger.rng, self.agent)
            key = f"reply:{desk.now.isoformat()}"
            entries.leave(OutboxKind.REPLY, key, case_id, mail_id, WRITER, {"subject": "s", "text": "t", **payload})
            entries.event(case_id, "replied", mail_id, {})
            entries.event(case_id, "promise_kept", None, {})
            for kind in events:
                entries.event(case_id, kind, None, {"evidence": "transfer 7"})
            entries.write(conn)

        await desk.ledger.database.write(write)
        await desk.pass_time(seconds=20)
        for entry in await desk.claim():
            if entry.kind is OutboxKind.REPLY:
                sent = functools.partial(departed, entry=entry, now=desk.now, rng=desk.ledger.rng, how="by the relay")
                await desk.ledger.database.write(sent)
        return str((await desk.rows(t.answer_values))[-1].interaction_id)

    async def case(self, desk: Desk, new_text: str = "testo", *codes: Any, **more: Any) -> CaseId:
        await desk.settle(COMPLAINT, new_text, *codes, **more)
        return CaseId((await desk.cases())[-1].id)

    async def scored(self, desk: Desk) -> list[Any]:
        """Let the time of every answer pass, and return what they were worth."""
        await desk.ledger.clock.advance(FORTNIGHT)
        now = desk.now
        while await desk.ledger.database.write(lambda c: score_due(c, now, limit=2)):
            pass
        return sorted(await desk.rows(t.answer_values), key=lambda row: row.answered_at)

    async def test_an_answer_that_moves_money_and_closes_is_worth_it(self, desk: Desk) -> None:
        """Noted when it leaves, with its writer and team; scored a fortnight later and not before."""
        case_id = await self.case(desk, "Dove sono i libri?")
        await self.reply(desk, case_id, template="refund")
        now, rng = desk.now, desk.ledger.rng
        write = desk.ledger.database.write
        with pytest.raises(PermanentError, match="what proves"):
            await write(lambda c: note_movement(c, case_id, Moved.MONEY, " ", now, rng, "agent"))
        await write(lambda c: note_movement(c, case_id, Moved.MONEY, "transfer 7", now, rng, "agent"))
        await write(lambda c: tick_all(c, case_id, "in the letter", now, rng, "agent"))
        await write(lambda c: close_case(c, case_id, CaseOutcome.REMEDIED, "transfer 7", now, rng, "agent"))
        assert await write(lambda c: score_due(c, now)) == 0
        (row,) = await self.scored(desk)
        assert (row.points, row.cause, row.contacts_after, row.person_id) == (9, "", 0, self.agent)
        assert row.reasons[0] == "money or goods moved"
        assert row.template == "refund"

    async def test_the_answer_promised_is_no_value_by_being_sent(self, desk: Desk) -> None:
        """That a letter left changes nothing for who reads it."""
        case_id = await self.case(desk)
        interaction = await self.reply(desk, case_id)
        so_far = await desk.ledger.database.read(lambda c: value_so_far(c, interaction))
        assert so_far is not None
        assert so_far.cause is Cause.NOTHING_CHANGED
        assert await desk.ledger.database.read(lambda c: value_so_far(c, "nobody")) is None

    async def test_a_customer_who_must_write_again_costs(self, desk: Desk) -> None:
        """Each contact counts for the answer before it, until the next answer; thanks in a thread do not."""
        case_id = await self.case(desk)
        await self.reply(desk, case_id, "promised")
        await desk.pass_time(days=1)
        await desk.settle(COMPLAINT)
        await desk.settle(COMPLAINT)
        await self.reply(desk, case_id, "asks_ticked", "promise_kept")
        await desk.settle(NOTHING, "grazie", in_reply_to="", references=())
        first, second = await self.scored(desk)
        assert (first.points, first.cause, first.contacts_after) == (0, "wrote_again", 2)
        assert (second.points, second.cause, second.contacts_after) == (4, "", 0)

    async def test_whoever_writes_after_the_time_writes_for_another_reason(self, desk: Desk) -> None:
        """Fourteen days, not fifteen."""
        case_id = await self.case(desk)
        await self.reply(desk, case_id, "promised")
        await desk.pass_time(days=15)
        await desk.settle(COMPLAINT)
        (row,) = await self.scored(desk)
        assert (row.points, row.contacts_after) == (1, 0)

    async def test_each_cause_is_found(self, desk: Desk) -> None:
        """Asked again for a number that was given; the same template twice; only passed on; our own failure."""
        case_id = await self.case(desk, "ordine 7", order_number("7"))
        await self.reply(desk, case_id, asks_for=[EntityKind.ORDER_NUMBER.value, EntityKind.CUSTOMER_CODE.value])
        await self.reply(desk, case_id, "promised", template="sorry")
        await self.reply(desk, case_id, template="sorry")
        await self.reply(desk, case_id, "handed_over")
        await self.reply(desk, case_id, "promise_broken")
        await self.reply(desk, case_id)
        rows = await self.scored(desk)
        assert [row.cause for row in rows] == [
            "asked_again", "", "same_template", "only_forwarded", "nothing_changed", "own_failure",
        ]  # fmt: skip
        assert rows[0].reasons == ["it asked for what the customer had given already: order_number"]

    async def test_worthless_answers_are_found_in_what_people_wrote(self, desk: Desk) -> None:
        """Asked again for what was given, then only passed on, then put right at the desk; ranked by cause."""
        case_id = await self.case(desk, "ordine 7, ecco la foto", order_number("7"), attachments=(PHOTO,))
        asks = "Gentile Anna,\n\nper aiutarla ci serve:\n\n- il numero d'ordine\n- una foto del pacco"
        for text, complaints in ((asks, 2), ("Abbiamo inoltrato la sua richiesta al magazzino.", 1)):
            await self.write_at_the_desk(desk, case_id, text, back_by=desk.now + timedelta(days=3))
            for _ in range(complaints):
                await desk.pass_time(hours=1)
                await desk.settle(COMPLAINT, "ve l'ho già detto")
        await self.write_at_the_desk(desk, case_id, "Eccolo.", ends_as=CaseOutcome.REMEDIED, evidence="parcel 77")
        began = desk.now - timedelta(days=10)
        first, second, third = await self.scored(desk)
        assert first.reasons[-1] == "it asked for what the customer had given already: order_number, attachment"
        assert (second.cause, third.cause, third.points) == ("only_forwarded", "", 2)
        bars = await desk.ledger.database.read(lambda c: zero_values(c, By.CAUSE, began, desk.now))
        assert [(bar.name, bar.answers, bar.contacts) for bar in bars] == [
            ("asked_again", 1, 2), ("only_forwarded", 1, 1),
        ]  # fmt: skip

    async def write_at_the_desk(self, desk: Desk, case_id: CaseId, text: str, **ends: Any) -> None:
        """Let the agent answer the newest mail as the desk does, and let the answer leave."""
        await desk.pass_time(hours=1)
        mail_id = (await desk.rows(t.case_mails, case_id=case_id))[-1].mail_id
        said = Answer("Re: pacco", text, WRITER, **ends)

        def write(conn: Connection) -> None:
            act = Act(case_id, self.agent, case_version(conn, case_id), desk.now, desk.ledger.rng)
            asked = [row.id for row in conn.execute(t.asks.select().where(t.asks.c.state == "open"))]
            answer(conn, act, mail_id, said, "agent", asked if said.ends_as else ())

        await desk.ledger.database.write(write)
        await desk.pass_time(minutes=1)
        await desk.let_everything_leave()

    async def test_zero_values_are_ranked_by_their_cost(self, desk: Desk) -> None:
        """By cause, template and team: what makes customers write most stands first."""
        began = desk.now
        for n, template in enumerate(("sorry", "sorry", "wait")):
            case_id = await self.case(desk, sender=f"c{n}@posta.example")
            await self.reply(desk, case_id, template=template)
            if template == "wait":
                for _ in range(3):
                    await desk.settle(COMPLAINT, sender=f"c{n}@posta.example")
        await self.scored(desk)

        async def ranked(by: By, since: datetime = began) -> list[tuple[str, int, int]]:
            bars = await desk.ledger.database.read(lambda c: zero_values(c, by, since, desk.now))
            return [(bar.name, bar.answers, bar.contacts) for bar in bars]

        assert await ranked(By.CAUSE) == [("wrote_again", 1, 3), ("nothing_changed", 2, 0)]
        assert await ranked(By.TEMPLATE) == [("wait", 1, 3), ("sorry", 2, 0)]
        assert await ranked(By.TEAM) == [("team of agent", 3, 3)]
        assert await ranked(By.CAUSE, desk.now) == []

    async def test_a_removal_is_measured_before_and_after(self, desk: Desk) -> None:
        """Two of two answers with the template were worthless; after the change one of two."""
        for n in range(2):
            await self.reply(desk, await self.case(desk, sender=f"a{n}@posta.example"), template="sorry")
        await self.scored(desk)
        now, rng = desk.now, desk.ledger.rng
        write = desk.ledger.database.write
        with pytest.raises(PermanentError, match="what will be done"):
            await write(lambda c: begin_removal(c, Cause.NOTHING_CHANGED, " ", now, rng, "lead"))
        removal_id = await write(
            lambda c: begin_removal(
                c, Cause.NOTHING_CHANGED, "the template says the date", now, rng, "lead", template="sorry"
            )
        )
        (open_one,) = await desk.ledger.database.read(lambda c: list_removals(c, now))
        assert (open_one.before.zero, open_one.before.answers, open_one.after) == (2, 2, None)
        assert await write(lambda c: finish_removal(c, removal_id, now))
        assert not await write(lambda c: finish_removal(c, removal_id, now))
        await self.reply(desk, await self.case(desk, sender="b@posta.example"), "promised", template="sorry")
        await self.reply(desk, await self.case(desk, sender="c@posta.example"), template="sorry")
        await self.reply(desk, await self.case(desk, sender="d@posta.example"), template="other")
        await self.scored(desk)
        (done,) = await desk.ledger.database.read(lambda c: list_removals(c, desk.now))
        assert done.after is not None
        assert (done.before.share, done.after.share, done.has_fallen) == (1.0, 0.5, True)

    async def test_a_score_is_whole_or_not_there(self, desk: Desk) -> None:
        """The database refuses points without a cause, and a worthless answer without one."""
        case_id = await self.case(desk)
        await self.reply(desk, case_id)
        whole = {"scored_at": 1, "points": 0, "cause": "wrote_again", "contacts_after": 1}
        for wrong in ({"points": None}, {"cause": ""}, {"points": 3}, {"contacts_after": None}):
            with pytest.raises(PermanentError):
                await desk.ledger.database.write(
                    lambda c, v=wrong: c.execute(update(t.answer_values).values({**whole, **v}))
                )
