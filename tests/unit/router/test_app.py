"""The router as the process builds it: what the environment says reaches the decision."""

import asyncio
import random
from pathlib import Path

import pytest

from itaca.broker.memory import MemoryBroker
from itaca.broker.topology import ROUTER_MAIL_CLASSIFIED
from itaca.contracts.codec import encode
from itaca.contracts.events import MailClassified
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from services.router.app import build
from services.router.settings import RouterSettings
from tests.support.case_facts import mail_text
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, NOTHING, ORDER, Desk
from tests.support.waiting import until


@pytest.mark.parametrize(("wanted", "drawn"), [("300", 2), ("0", 0)])
async def test_what_nobody_sees_is_drawn_as_the_setting_says(tmp_path: Path, wanted: str, drawn: int) -> None:
    """Of a complaint, an order and a thank-you two are drawn for a blind check, unless the audit is off."""
    shared = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
    settings = load(RouterSettings, {"ITACA_ROUTER_AUDIT_PER_MONTH": wanted})
    async with open_ledger("sqlite://") as ledger:
        desk, broker = Desk(ledger), MemoryBroker(ledger.clock, random.Random(1))
        await desk.staff("agent")
        await broker.start()
        for judged in (COMPLAINT, ORDER, NOTHING):
            mail_id = await desk.take(mail_text(sender=f"{len(await desk.rows(t.mails))}@posta.example"))
            await broker.publish(ROUTER_MAIL_CLASSIFIED, [encode(MailClassified(mail_id=mail_id, judgement=judged))])
        stage = build(Parts(shared, ledger.database, broker, ledger.clock, ledger.rng, Metrics()), settings)
        stopping = asyncio.Event()
        running = asyncio.create_task(stage.run(stopping))

        async def is_settled() -> bool:
            return all(mail.outcome for mail in await desk.rows(t.mails))

        await until(is_settled, "every mail has its outcome")
        stopping.set()
        await running
        assert len(await desk.rows(t.audit_samples)) == drawn
