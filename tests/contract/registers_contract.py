"""What the register and the history of a customer show, on every database."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from itaca.contracts.ids import CaseId
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.desk_cancellations import RegisterLine, Shown, register_page
from tests.support.routed import CANCELLATION, POLICY, Desk


class RegisterContract:
    """The register of cancellations."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent with a lead."""
        await desk.staff("agent", "lead")

    async def page(self, desk: Desk, shown: Shown = Shown.ALL, **more: Any) -> Sequence[RegisterLine]:
        return await desk.ledger.database.read(partial(register_page, shown=shown, **more))

    async def test_each_line_says_whose_it_is_and_where_it_stands(self, desk: Desk) -> None:
        """The customer, the owner, who carried it out with what evidence; no receipt while none is signed."""
        await desk.settle(CANCELLATION, sender="anna@posta.example", sender_name="Anna Neri")
        (case,) = await desk.cases()
        await desk.pass_time(days=1)
        effect, now, rng = Effect(desk.now, "order 7", "billing"), desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: confirm_effect(c, case.reference, effect, now, POLICY, rng, "api"))
        (line,) = await self.page(desk)
        assert (line.customer, line.owner, line.receipt) == ("Anna Neri", "agent", "")
        assert (line.register.reference, line.register.system, line.register.evidence) == (
            case.reference,
            "billing",
            "order 7",
        )
        assert line.register.cancellation.watch_until >= now + timedelta(days=89)

    async def test_pages_follow_each_other_and_states_are_told_apart(self, desk: Desk) -> None:
        """The newest first; the next page begins after the last line; violated ones stand alone."""
        for number in range(5):
            await desk.settle(CANCELLATION, sender=f"a{number}@posta.example")
        cases = [case.id for case in await desk.cases()]
        first = await self.page(desk, limit=3)
        rest = await self.page(desk, limit=3, before=first[-1].register.case_id)
        assert [line.register.case_id for line in (*first, *rest)] == cases[::-1]
        await desk.ledger.database.write(partial(_violate, case_id=CaseId(cases[1])))
        assert [line.register.case_id for line in await self.page(desk, Shown.VIOLATED)] == [cases[1]]
        assert len(await self.page(desk, Shown.REQUESTED)) == 5
        assert await self.page(desk, Shown.WATCHED) == []


def _violate(conn: Connection, case_id: CaseId) -> None:
    conn.execute(text("UPDATE cancellations SET violations = 1 WHERE case_id = :id"), {"id": case_id})
