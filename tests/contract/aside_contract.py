"""What every database must do about clocks at the desk: ours stands still for a reason, the law's for none."""

from datetime import timedelta

import pytest

from itaca.cases.actions import NewPromise
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage import tables as t
from itaca.storage.case_acts import NotYoursError
from itaca.storage.case_clocks import NO_REASON, NOT_ASIDE, RUNS_ALREADY, WAITS_FOR, put_aside, say_matter, take_up
from itaca.storage.legal_clocks import legal_lines
from itaca.storage.moments import from_micros
from itaca.storage.parkings import parking_of
from tests.contract.merging_contract import ENERGY
from tests.support.desk_acts import complain, do, look
from tests.support.routed import Desk


class ClocksAtTheDeskContract:
    """A case is put aside and taken up by who may act on it; the law's clock never stops."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        self.agent, self.lead = await desk.staff("agent", "lead")

    async def begin(self, desk: Desk) -> CaseId:
        case_id, _ = await complain(desk, "4711", policy=ENERGY)
        return case_id

    async def aside(self, desk: Desk, case_id: CaseId, reason: str = WAITS_FOR[0], who=None) -> None:
        act = await look(desk, case_id, who or self.agent)
        await do(desk, put_aside, act, desk.now + timedelta(days=5), reason, "a photo", ENERGY)

    async def test_only_ours_stands_still(self, desk: Desk) -> None:
        """With its reason, by its owner alone."""
        case_id = await self.begin(desk)
        law = await desk.rows(t.legal_clocks)
        with pytest.raises(NotYoursError):
            await self.aside(desk, case_id, who=self.lead)
        with pytest.raises(PermanentError, match=NO_REASON):
            await self.aside(desk, case_id, "I am tired")
        await self.aside(desk, case_id)
        parking = await desk.ledger.database.read(lambda c: parking_of(c, case_id))
        assert parking.says == "waiting for the customer; a photo"
        assert await desk.rows(t.legal_clocks) == law
        await do(desk, take_up, await look(desk, case_id, self.agent), ENERGY)
        with pytest.raises(PermanentError, match=NOT_ASIDE):
            await do(desk, take_up, await look(desk, case_id, self.agent), ENERGY)

    async def test_what_is_promised_meanwhile_keeps_its_date(self, desk: Desk) -> None:
        """Taking a case up again moves the date that the parking moved, and no other."""
        case_id = await self.begin(desk)
        await self.aside(desk, case_id)
        soon = NewPromise(PromiseKind.ANSWER, desk.now + timedelta(hours=20))
        await do(desk, case_acts.promise, await look(desk, case_id, self.agent), soon, "ring them tomorrow")
        await do(desk, take_up, await look(desk, case_id, self.agent), ENERGY)
        dates = [from_micros(row.due_at) for row in await desk.rows(t.promises, state="open")]
        assert soon.due_at in dates
        assert max(dates) < desk.now + timedelta(days=5)

    async def test_the_matter_in_law_is_chosen_with_its_source(self, desk: Desk) -> None:
        """It counts from the mail; twice is once, and nothing that the law does not know."""
        case_id = await self.begin(desk)
        await do(desk, say_matter, await look(desk, case_id, self.agent), "billing", ENERGY.law)
        lines = await desk.ledger.database.read(lambda c: legal_lines(c, case_id, ENERGY.law))
        assert {line.rule for line in lines} == {"it.energy.complaint", "it.energy.billing"}
        for matter, says in (("billing", RUNS_ALREADY), ("weather", "no term")):
            with pytest.raises(PermanentError, match=says):
                await do(desk, say_matter, await look(desk, case_id, self.agent), matter, ENERGY.law)
