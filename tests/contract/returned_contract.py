"""What every database must do when a person's answer did not arrive: the case is open, and an answer is owed."""

import pytest

from itaca.cases.closing import Answer
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseOutcome, OutboxState
from itaca.mail.model import AutomaticKind
from itaca.storage import tables as t
from itaca.storage.case_acts import answer
from itaca.storage.departures import departed, failed
from itaca.storage.outbox import OutboxEntry
from tests.contract.merging_contract import ENERGY
from tests.support.case_facts import WRITER
from tests.support.desk_acts import case_of, complain, do, look
from tests.support.routed import NOTHING, Desk

SAID = Answer("Re: Libri", "Li spediamo oggi.", WRITER, CaseOutcome.REMEDIED, "parcel 4711")


class ReturnedContract:
    """Answers that come back."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of two."""
        self.agent, self.lead = await desk.staff("agent", "lead")

    async def answered(self, desk: Desk) -> tuple[CaseId, MailId, OutboxEntry]:
        """Close a complaint with an answer; return the case, its mail and the letter in the courier's hand."""
        case_id, mail_id = await complain(desk, "4711", policy=ENERGY)
        await do(desk, answer, await look(desk, case_id, self.agent), mail_id, SAID, "Agent")
        (entry,) = [one for one in await desk.claim() if one.kind == "reply"]
        return case_id, mail_id, entry

    async def refuse(self, desk: Desk, entry: OutboxEntry) -> None:
        await desk.pass_time(minutes=5)
        await do(desk, failed, entry, OutboxState.FAILED, desk.now, desk.ledger.rng, "no such mailbox")

    async def test_what_was_refused_at_the_door_is_owed_again(self, desk: Desk) -> None:
        """The case is open, its owner knows, and the law's date is the old one."""
        case_id, _, entry = await self.answered(desk)
        (clock,) = await desk.rows(t.legal_clocks)
        await self.refuse(desk, entry)
        assert (await case_of(desk, case_id)).status == "open"
        assert await desk.told(case_id, "reply_failed") == ["agent@shop.example"]
        assert [(row.state, row.due_at) for row in await desk.rows(t.legal_clocks)] == [("running", clock.due_at)]
        assert await desk.problems() == []

    async def test_it_is_owed_where_the_matter_is_open_now(self, desk: Desk) -> None:
        """The customer wrote again before the letter came back: no second case of one matter beside the other."""
        case_id, _, entry = await self.answered(desk)
        newer, _ = await complain(desk, "4711")
        await self.refuse(desk, entry)
        assert [(await case_of(desk, one)).status for one in (case_id, newer)] == ["closed", "open"]
        assert await desk.told(newer, "reply_failed") == ["agent@shop.example"]
        assert await desk.problems() == []

    async def test_what_a_later_report_says_did_not_arrive_is_owed_again(self, desk: Desk) -> None:
        """Relays take a letter first and report on it later: the same as a refusal, once, however many reports."""
        case_id, mail_id, entry = await self.answered(desk)
        await do(desk, departed, entry, desk.now, desk.ledger.rng, "taken by the mail server")
        (clock,) = await desk.rows(t.legal_clocks)
        for _ in range(2):
            await self.report(desk, AutomaticKind.BOUNCE, f"<re.{mail_id}.{entry.id}@shop.example>")
        assert (await case_of(desk, case_id)).status == "open"
        assert (await desk.history(case_id)).count("reply_failed") == 1
        assert await desk.told(case_id, "reply_failed") == ["agent@shop.example"]
        assert [(row.state, row.due_at) for row in await desk.rows(t.legal_clocks)] == [("running", clock.due_at)]
        assert [row.state for row in await desk.rows(t.outbox, id=entry.id)] == ["failed"]
        assert [row.outcome for row in await desk.rows(t.mails)] == ["case", "filed", "filed"]
        assert await desk.problems() == []

    async def test_certified_mail_that_was_not_delivered_is_owed_again(self, desk: Desk) -> None:
        """Its report has the form of a receipt."""
        case_id, mail_id, entry = await self.answered(desk)
        await do(desk, departed, entry, desk.now, desk.ledger.rng, "taken by the mail server")
        lost = f"<re.{mail_id}.{entry.id}@shop.example>"
        await self.report(desk, AutomaticKind.RECEIPT, lost, defects=("pec:not_delivered",))
        assert (await case_of(desk, case_id)).status == "open"

    @pytest.mark.parametrize("kind", [AutomaticKind.RECEIPT, AutomaticKind.AUTO_REPLY])
    async def test_a_receipt_and_a_holiday_owe_nothing(self, desk: Desk, kind: AutomaticKind) -> None:
        """It arrived."""
        case_id, mail_id, entry = await self.answered(desk)
        await do(desk, departed, entry, desk.now, desk.ledger.rng, "taken by the mail server")
        await self.report(desk, kind, f"<re.{mail_id}.{entry.id}@shop.example>")
        assert (await case_of(desk, case_id)).status == "closed"

    @pytest.mark.parametrize("of", ["<ack.{mail}.{entry}@x>", "<re.{mail}.{mail}@x>", "<re.{mail}.0190@x>", ""])
    async def test_a_report_on_anything_else_owes_nothing(self, desk: Desk, of: str) -> None:
        """A receipt of ours that did not arrive is none the less a case; an id that we never gave means nothing."""
        case_id, mail_id, entry = await self.answered(desk)
        await do(desk, departed, entry, desk.now, desk.ledger.rng, "taken by the mail server")
        await self.report(desk, AutomaticKind.BOUNCE, of.format(mail=mail_id, entry=entry.id))
        assert (await case_of(desk, case_id)).status == "closed"
        assert "reply_failed" not in await desk.history(case_id)

    async def report(self, desk: Desk, kind: AutomaticKind, refers_to: str, **more: object) -> None:
        """Let a mail server report on a letter of ours."""
        await desk.pass_time(minutes=5)
        said = {"automatic": kind, "sender": "", "reply_to_address": "", "refers_to": refers_to}
        await desk.settle(NOTHING, "report", **said, **more)
