"""Every stage is killed with SIGKILL before and after each commit, publish and ack, while 500 mails flow."""

import asyncio

import pytest
from sqlalchemy import text

from itaca.storage.database import Database
from tests.support.books import broken_promises, unsent, unsettled
from tests.support.deployment import Deployment
from tests.support.traffic import Traffic, mixed_mails
from tests.support.waiting import until

MAILS = 500
CRASHES = {
    "ingest": ("before_commit@20", "after_commit@20", "before_publish@3", "after_publish@3"),
    "classifier": ("before_publish@2", "after_publish@2", "before_ack@2", "after_ack@2"),
    "router": ("before_commit@2", "after_commit@3", "before_ack@2", "after_ack@2"),
    "courier": ("before_commit@40", "after_commit@40", "before_publish@4", "after_publish@4"),
    "watch": ("before_commit@2", "after_commit@2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", CRASHES)
async def test_a_stage_killed_at_any_point_loses_and_doubles_nothing(
    stage: str, distributed: Deployment, ledger: Database
) -> None:
    """Accepted equals settled, each complaint has one owned case, and nobody is answered twice for a matter."""
    distributed.start()
    traffic = Traffic(distributed, mixed_mails(MAILS), pause_s=0.02)
    sending = asyncio.create_task(traffic.run())
    died = []
    for crash in CRASHES[stage]:
        distributed.kill9(stage)
        distributed.launch(stage, crash)
        died.append(await asyncio.to_thread(distributed.wait_dead, stage, 90))
    distributed.launch(stage)
    distributed.wait_ready(stage)
    await sending
    await settled_and_sent(ledger)
    assert died == [-9] * len(CRASHES[stage])
    assert traffic.refused == []
    assert distributed.relay is not None
    assert await broken_promises(ledger, traffic.accepted, distributed.relay.received) == []
    accepted = await ledger.read(lambda conn: conn.execute(text("SELECT count(*) FROM mails")).scalar_one())
    assert accepted == len(traffic.accepted) == MAILS


@pytest.mark.slow
async def test_the_watch_killed_while_it_drives_mail_again_loses_and_doubles_nothing(
    distributed: Deployment, ledger: Database
) -> None:
    """The classifier is dead and mail is driven again; killed around that publish, all settles once."""
    distributed.start()
    distributed.kill9("classifier")
    distributed.kill9("watch")
    traffic = Traffic(distributed, mixed_mails(40))
    await traffic.run()
    died = []
    for crash in ("before_publish@1", "after_publish@1"):
        distributed.launch("watch", crash)
        died.append(await asyncio.to_thread(distributed.wait_dead, "watch", 120))
    assert died == [-9, -9]
    distributed.launch("watch")
    distributed.launch("classifier")
    await settled_and_sent(ledger)
    assert distributed.relay is not None
    assert await broken_promises(ledger, traffic.accepted, distributed.relay.received) == []
    assert len(traffic.accepted) == 40


async def settled_and_sent(ledger: Database, timeout_s: float = 150) -> None:
    async def is_done() -> bool:
        return await unsettled(ledger) == 0 and await unsent(ledger) == 0

    await until(is_done, "every mail is settled and everything has left", timeout_s)
