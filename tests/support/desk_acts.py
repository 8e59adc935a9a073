"""Acts of people at the desk on a test ledger: somebody looks at a case, and a minute later does something."""

from collections.abc import Callable
from typing import Any

from itaca.cases.people import Person
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseKind
from itaca.storage import tables as t
from itaca.storage.case_acts import Act
from itaca.storage.desk_case import case_version
from tests.support.case_facts import order_number
from tests.support.routed import COMPLAINT, Desk

HOLD_S = 15.0


async def look(desk: Desk, case_id: CaseId, who: Person, anybodys: bool = False, hold_s: float = 0.0) -> Act:
    """Return an act of somebody who has just looked at the case."""
    await desk.pass_time(minutes=1)
    version = await desk.ledger.database.read(lambda c: case_version(c, case_id))
    return Act(case_id, who.id, version, desk.now, desk.ledger.rng, anybodys, hold_s)


async def do(desk: Desk, work: Callable[..., Any], *arguments: Any) -> Any:
    """Do it in a transaction of its own."""
    return await desk.ledger.database.write(lambda c: work(c, *arguments))


async def complain(desk: Desk, number: str, text: str = "testo", **more: object) -> tuple[CaseId, MailId]:
    """Let a customer complain about an order of this number; return the case that it opened."""
    mail_id = await desk.settle(COMPLAINT, text, order_number(number), **more)  # type: ignore[arg-type]
    (case,) = await desk.rows(t.cases, opened_by=mail_id, kind=CaseKind.COMPLAINT.value)
    return CaseId(case.id), mail_id


async def case_of(desk: Desk, case_id: CaseId) -> Any:
    """Return the row of a case."""
    (row,) = await desk.rows(t.cases, id=case_id)
    return row
