"""What every database must do with words that were kept long enough."""

from datetime import timedelta
from functools import partial

import pytest

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.storage import tables as t
from itaca.storage.cases import close_case
from itaca.storage.erasure import Order
from itaca.storage.mails import load_raw
from itaca.storage.retention import forget_closed, forget_noted
from itaca.storage.suppressions import SuppressionKey
from tests.contract.cancellations_contract import suppressed
from tests.support import personal
from tests.support.case_facts import judgement
from tests.support.personal import ADDRESS, CONTRACT, RAW
from tests.support.routed import COMPLAINT, NOTHING, Desk


async def forget(desk: Desk, days: int, kind: str, limit: int = 200) -> int:
    """Forget until nothing is left to look at; return how much was."""
    before, seen = desk.now - timedelta(days=days), 0
    work = {"noted": forget_noted, "closed": forget_closed}[kind]
    while True:
        order = Order(desk.ledger.new_id(), desk.now, "watch", "kept long enough", b"s" * 32)
        page = await desk.ledger.database.write(lambda c, o=order: work(c, before, o, limit))
        seen += page
        if not page:
            return seen


class RetentionContract:
    """Old mail and old cases lose their words, and nothing else does."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent."""
        await desk.staff("agent")

    async def test_old_mail_that_asked_nothing_is_forgotten(self, desk: Desk) -> None:
        """A page at a time, each once; a mail of a case, a young one and one without outcome stay."""
        old = [await desk.settle(NOTHING, "grazie") for _ in range(5)]
        in_a_case = await desk.settle(COMPLAINT)
        waiting = await desk.take()
        await desk.pass_time(days=40)
        young = await desk.settle(NOTHING, "grazie")
        assert await forget(desk, 30, "noted", limit=2) == 5
        assert await forget(desk, 30, "noted", limit=2) == 0
        kept = {row.mail_id for row in await desk.rows(t.raw_mails)}
        assert kept == {in_a_case, waiting, young}
        assert {row.mail_id for row in await desk.rows(t.erased_mails)} == set(old)
        assert len(await desk.rows(t.mails)) == 8
        await desk.pass_time(days=40)
        assert await forget(desk, 30, "noted") == 0
        assert (await desk.problems())[0] == "1 mails are overdue"

    async def test_old_cases_are_forgotten_and_their_customers_are_not(self, desk: Desk) -> None:
        """Words, letters and files go; the address still names the customer, and the cancellation holds."""
        await personal.live(desk)
        await desk.pass_time(days=400)
        newer = await personal.write_mail(desk, RAW + b"new", COMPLAINT, "Ancora io")
        assert await forget(desk, 365, "closed") == 2
        assert set(await personal.planted(desk)) >= {"customers", "customer_addresses", "customer_codes"}
        assert (await desk.ledger.database.read(lambda c: load_raw(c, newer))).startswith(RAW)
        assert [row.mail_id for row in await desk.rows(t.raw_mails)][-1] == newer
        assert len(await desk.rows(t.erased_mails)) == 3
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        assert await suppressed(desk, SuppressionKey.CONTRACT, CONTRACT.value) == [case.reference]
        assert await suppressed(desk, SuppressionKey.EMAIL, ADDRESS) == [case.reference]
        assert await forget(desk, 365, "closed") == 0
        await personal.settle_everything(desk)
        assert await desk.problems() == []

    async def test_a_mail_that_another_case_needs_stays(self, desk: Desk) -> None:
        """One mail opened two cases, of which one is open: its words are needed."""
        mail_id = await desk.settle(judgement("N", "Y", "Y"), "Disdico e protesto")
        complaint, _ = await desk.cases()
        now, rng = desk.now, desk.ledger.rng
        close = partial(
            close_case, outcome=CaseOutcome.REMEDIED, evidence="refund 7", now=now, rng=rng, actor="agent"
        )
        await desk.ledger.database.write(partial(close, case_id=CaseId(complaint.id)))
        await desk.let_everything_leave()
        await desk.pass_time(days=400)
        assert await forget(desk, 365, "closed") == 1
        assert [row.case_id for row in await desk.rows(t.erased_cases)] == [complaint.id]
        assert await desk.ledger.database.read(lambda c: load_raw(c, mail_id))
