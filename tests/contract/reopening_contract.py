"""What every database must do with a reply on a closed case: what opens it again, and what does not."""

import pytest

from itaca.contracts.events import Judgement
from itaca.contracts.intents import CaseOutcome
from itaca.mail.model import AutomaticKind
from itaca.storage import tables as t
from itaca.storage.case_acts import close
from itaca.storage.case_merging import Merger, merge
from itaca.storage.cases import close_case
from itaca.storage.routing import Waiting
from tests.support.case_facts import mail_text
from tests.support.desk_acts import case_of, complain, do, look
from tests.support.routed import COMPLAINT, NOTHING, POLICY, UNSURE, Desk, reference

OTHER = {"sender": "anna@lavoro.example", "reply_to_address": "anna@lavoro.example"}
STRANGER = {"sender": "x@altrove.example", "reply_to_address": "x@altrove.example"}


class ReopeningContract:
    """Which replies open a closed case again."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        self.agent, _ = await desk.staff("agent", "lead")

    @pytest.mark.parametrize(("judged", "contacts", "level"), [(NOTHING, 1, 0), (UNSURE, 1, 0), (COMPLAINT, 2, 1)])
    async def test_a_reply_opens_a_closed_case_again(
        self, desk: Desk, judged: Judgement, contacts: int, level: int
    ) -> None:
        """With its owner, and an answer is owed; what complains again counts as one more contact."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        reply = f"<re.{mail_id}.0190@shop.example>"
        await desk.settle(judged, "non è arrivato nulla", in_reply_to=reply)
        (case,) = await desk.cases()
        assert (case.status, case.outcome, case.contacts, case.level) == ("open", None, contacts, level)
        assert (await desk.history(case.id))[-1] == "reopened"
        assert [p.kind for p in await desk.rows(t.promises, state="open")] == ["answer"]
        assert await desk.problems() == []

    async def test_nothing_but_thanks_stands_beside_the_closed_case(self, desk: Desk) -> None:
        """Settled, in the conversation, unanswered, and drawn for the blind check as all that nobody saw."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        thanks = mail_text(
            "Grazie mille, agent! Buona giornata",
            subject="Re: Libri",
            in_reply_to=f"<re.{mail_id}.0190@shop.example>",
        )
        answer = await desk.take(thanks)
        acknowledged = await desk.acknowledged()
        await desk.route(Waiting(answer, NOTHING), audit_per_month=300)
        (case,) = await desk.cases()
        assert (case.status, case.outcome, (await desk.history(case.id))[-1]) == ("closed", "answered", "related")
        assert [m.mail_id for m in await desk.rows(t.case_mails, case_id=case.id)] == [mail_id, answer]
        assert [m.outcome for m in await desk.rows(t.mails)] == ["case", "noted"]
        assert [s.mail_id for s in await desk.rows(t.audit_samples)] == [answer]
        assert await desk.acknowledged() == acknowledged
        assert await desk.problems() == []

    async def test_thanks_with_anything_more_open_a_closed_case_again(self, desk: Desk) -> None:
        """One word that is not polite is enough."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        reply = {"subject": "Re: Libri", "in_reply_to": f"<re.{mail_id}.0190@shop.example>"}
        await desk.settle(NOTHING, "Grazie per niente", **reply)
        assert [c.status for c in await desk.cases()] == ["open"]

    async def test_a_machine_and_a_stranger_open_nothing_again(self, desk: Desk) -> None:
        """Out of office, and somebody who got our answer forwarded: both stand beside the closed case."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        reply = f"<re.{mail_id}.0190@shop.example>"
        away = {"automatic": AutomaticKind.AUTO_REPLY, "reply_to_address": ""}
        await desk.settle(NOTHING, "Sono fuori ufficio", in_reply_to=reply, **away)
        await desk.settle(NOTHING, "grazie", in_reply_to=reply, **STRANGER)
        case = (await desk.cases())[0]
        assert (case.status, (await desk.history(case.id))[-2:]) == ("closed", ["report", "related"])

    async def test_a_reply_joins_the_case_that_took_the_matter_over(self, desk: Desk) -> None:
        """One open case for a customer, kind and matter: the old thread leads to the new case."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        await desk.settle(COMPLAINT, "ancora")
        await desk.settle(COMPLAINT, "di nuovo", in_reply_to=f"<re.{mail_id}.0190@shop.example>")
        assert [(c.status, c.contacts) for c in await desk.cases()] == [("closed", 1), ("open", 2)]

    async def test_a_reply_that_asks_nothing_joins_it_too(self, desk: Desk) -> None:
        """Somebody who answers what we asked in the old thread is read by the owner of the new case."""
        mail_id = await desk.settle(COMPLAINT)
        await self._close(desk)
        await desk.settle(COMPLAINT, "ancora")
        await desk.settle(NOTHING, "ecco la foto", in_reply_to=f"<re.{mail_id}.0190@shop.example>")
        closed, taken_over = await desk.cases()
        assert (closed.status, taken_over.status, taken_over.contacts) == ("closed", "open", 1)
        assert (await desk.history(taken_over.id))[-1] == "appended"
        assert [m.outcome for m in await desk.rows(t.mails)] == ["case", "case", "case"]

    @pytest.mark.parametrize("judged", [NOTHING, COMPLAINT])
    async def test_who_was_merged_finds_where_the_matter_is_open_now(self, desk: Desk, judged: Judgement) -> None:
        """From the other address of a customer, on a case that has ended, whose customer has another one open."""
        staying, _ = await complain(desk, "4711")
        ending, _ = await complain(desk, "4712", **OTHER)
        into = (await case_of(desk, staying)).reference
        await do(desk, merge, await look(desk, ending, self.agent), Merger(into, "one invoice", True), POLICY)
        await do(desk, close, await look(desk, staying, self.agent), CaseOutcome.REMEDIED, "rang them", [])
        meanwhile, _ = await complain(desk, "4711")
        await desk.settle(judged, "e ora?", reference(await case_of(desk, ending)), **OTHER)
        assert [(c.status, c.matter) for c in await desk.cases()][:3] == [
            ("closed", "4711"),
            ("closed", "4712"),
            ("open", "4711"),
        ]
        assert (await desk.history(meanwhile))[-1] == ("appended" if judged is NOTHING else "opened")
        assert await desk.problems() == []

    async def _close(self, desk: Desk) -> None:
        await desk.pass_time(days=1)
        (case,) = await desk.cases()
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(
            lambda c: close_case(c, case.id, CaseOutcome.ANSWERED, "answered", now, rng, "agent")
        )
        await desk.pass_time(days=1)
