"""Judged mails in, one transaction out; what is no event goes to a person by way of the dead letters."""

import random
from collections.abc import AsyncIterator

import pytest

from itaca.broker.settlement import Ack, DeadLetter
from itaca.contracts.codec import encode
from itaca.contracts.events import MailClassified
from itaca.contracts.ids import MailId
from itaca.errors import TransientError
from itaca.observability.metrics import Metrics
from itaca.storage import tables as t
from services.router.handler import Router
from tests.support.case_facts import judgement, mail_text
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, POLICY, Desk
from tests.support.watched import FlakyDatabase


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a ledger in memory with an agent."""
    async with open_ledger("sqlite://") as ledger:
        made = Desk(ledger)
        await made.staff("agent")
        yield made


@pytest.fixture
def database(desk: Desk) -> FlakyDatabase:
    """Give a database that may go away."""
    return FlakyDatabase(desk.ledger.database)


@pytest.fixture
def router(desk: Desk, database: FlakyDatabase) -> Router:
    """Give a router on the test ledger."""
    return Router(database, desk.ledger.clock, random.Random(3), POLICY, Metrics())


def body(mail_id: MailId, judged=COMPLAINT) -> bytes:
    return encode(MailClassified(mail_id=mail_id, judgement=judged))


async def test_a_batch_is_one_transaction(router: Router, desk: Desk) -> None:
    """Each mail gets its outcome, each message its ack, in the order of the batch."""
    mails = [await desk.take(mail_text(sender=f"c{n}@posta.example")) for n in range(3)]
    found = await router.handle([body(mails[0]), b"{}", body(mails[1], judgement()), body(mails[2])])
    assert [type(one) for one in found] == [Ack, DeadLetter, Ack, Ack]
    settled = {m.id: (m.outcome, m.settled_by) for m in await desk.rows(t.mails)}
    assert [settled[i] for i in mails] == [("case", "router"), ("noted", "router"), ("case", "router")]


async def test_lm7_a_ledger_that_is_away_settles_nothing(router: Router, desk: Desk, database: FlakyDatabase) -> None:
    """LM7: the batch is held by the runner and done later, once."""
    mail_id = await desk.take(mail_text())
    database.refuses = 1
    with pytest.raises(TransientError):
        await router.handle([body(mail_id)])
    assert await desk.cases() == []
    await router.handle([body(mail_id)])
    await router.handle([body(mail_id)])
    assert [c.contacts for c in await desk.cases()] == [1]


async def test_rubbish_alone_never_asks_the_ledger(router: Router, database: FlakyDatabase) -> None:
    """What cannot be read is put aside even while the ledger is away; its reason names no content."""
    database.refuses = 1
    (found,) = await router.handle([b'{"v": 1, "mail_id": "segreto"}'])
    assert isinstance(found, DeadLetter)
    assert "segreto" not in found.reason
