"""What every database must do when a person has decided about a mail: as if the machine had been sure of it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseStatus, Intent
from itaca.storage import tables as t
from itaca.storage.case_merging import Merger, merge
from itaca.storage.desk_review import decide_review
from itaca.storage.parkings import park, parking_of
from tests.contract.merging_contract import ENERGY, OTHER
from tests.support.desk_acts import case_of, complain, do, look
from tests.support.routed import NOTHING, UNSURE, Desk, reference

ASKS = "Vorrei tre copie. Potete spedire lunedì?"


class ReviewingContract:
    """A mail that waited for a person gets its matters."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        self.agent, self.lead, self.head = await desk.staff("agent", "lead", "head")

    async def decide(self, desk: Desk, *intents: Intent) -> Sequence[str]:
        """Decide about the one mail that waits, two days later."""
        (review,) = await desk.rows(t.cases, kind=CaseKind.REVIEW.value, status=CaseStatus.OPEN.value)
        await desk.pass_time(days=2)
        act = await look(desk, CaseId(review.id), self.agent, anybodys=True)
        found: Sequence[str] = await do(desk, decide_review, act, intents, self.agent.email, ENERGY)
        return found

    async def test_the_law_counts_from_the_mail(self, desk: Desk) -> None:
        """A complaint that the machine was not sure of has its legal term, from the day on which it came."""
        mail_id = await desk.settle(UNSURE, policy=ENERGY)
        await self.decide(desk, Intent.COMPLAINT)
        (complaint,) = await desk.cases(CaseKind.COMPLAINT)
        (mail,) = await desk.rows(t.mails, id=mail_id)
        (clock,) = await desk.rows(t.legal_clocks)
        assert (clock.case_id, clock.started_at, clock.state) == (complaint.id, mail.received_at, "running")

    async def test_a_parked_case_is_taken_up_by_what_was_decided(self, desk: Desk) -> None:
        """The customer wrote, whoever found out what it was about."""
        case_id, _ = await complain(desk, "4711")
        await desk.settle(UNSURE)
        now, rng = desk.now, desk.ledger.rng
        await do(desk, park, case_id, now + timedelta(days=7), "waits", ENERGY, now, rng, "agent")
        await self.decide(desk, Intent.COMPLAINT)
        assert await desk.ledger.database.read(lambda c: parking_of(c, case_id)) is None

    @pytest.mark.parametrize("intents", [(Intent.ORDER,), (Intent.ORDER, Intent.COMPLAINT)])
    async def test_an_order_has_nobody_to_ask(self, desk: Desk, intents: tuple[Intent, ...]) -> None:
        """What was asked goes to who answers; the order is closed by its system in any case."""
        await desk.settle(UNSURE, ASKS)
        await self.decide(desk, *intents)
        await desk.let_everything_leave()
        (order,) = await desk.cases(CaseKind.ORDER)
        assert (order.status, order.outcome) == ("closed", "ordered")
        kinds = {case.id: case.kind for case in await desk.cases()}
        asked = [kinds[ask.case_id] for ask in await desk.rows(t.asks, state="open")]
        assert asked == (["complaint"] * 2 if Intent.COMPLAINT in intents else [])
        assert await desk.problems() == []

    async def test_a_mail_that_stood_beside_a_case_may_join_it(self, desk: Desk) -> None:
        """A stranger's reply, until a colleague found out that the two are one customer."""
        staying, _ = await complain(desk, "4711")
        ending, _ = await complain(desk, "4712", **OTHER)
        await desk.settle(NOTHING, "sono la stessa", reference(await case_of(desk, staying)), **OTHER)
        into = (await case_of(desk, staying)).reference
        await do(desk, merge, await look(desk, ending, self.agent), Merger(into, "one invoice", True), ENERGY)
        assert await self.decide(desk, Intent.COMPLAINT) == [into]
        assert (await case_of(desk, staying)).contacts == 3
