"""Dead letters become review cases; none is lost, none is taken twice."""

import random

import pytest

from itaca.broker.memory import MemoryBroker
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, ROUTER_MAIL_CLASSIFIED, QueueName
from itaca.contracts.codec import encode
from itaca.contracts.events import MailClassified, MailReceived, WrittenText
from itaca.contracts.ids import MailId
from itaca.errors import TransientError
from services.watch.letters import Letters
from tests.support.case_facts import mail_text
from tests.support.routed import COMPLAINT, Desk
from tests.support.watched import Watch

CLASSIFIER, ROUTER = CLASSIFIER_MAIL_RECEIVED, ROUTER_MAIL_CLASSIFIED


@pytest.fixture
async def broker(desk: Desk) -> MemoryBroker:
    """Give a broker on the ledger's clock."""
    made = MemoryBroker(desk.ledger.clock, random.Random(1))
    await made.start()
    return made


@pytest.fixture
def letters(broker: MemoryBroker, watch: Watch) -> Letters:
    """Give the watch's round over the dead letters."""
    return Letters(broker, watch.database, watch.drive.review, watch.metrics)


def received(desk: Desk, mail_id: MailId) -> bytes:
    return encode(MailReceived(mail_id=mail_id, received_at=desk.now, text=WrittenText(subject="", new_text="")))


def classified(mail_id: MailId) -> bytes:
    return encode(MailClassified(mail_id=mail_id, judgement=COMPLAINT))


async def die(broker: MemoryBroker, queue: QueueName, *bodies: bytes) -> None:
    """Put these among the dead letters of a queue."""
    await broker.publish(queue, bodies)
    consumer = await broker.consume(queue, 100)
    for delivery in await consumer.receive(100):
        await delivery.dead_letter("a test")
    await consumer.close()


async def dead(broker: MemoryBroker) -> list[int]:
    return [(await broker.depth(queue)).dead for queue in (CLASSIFIER, ROUTER)]


async def test_dead_letters_of_both_queues_are_taken_over(
    broker: MemoryBroker, letters: Letters, watch: Watch
) -> None:
    """The owner reads which stage gave the mail up."""
    one, two = await watch.desk.take(mail_text()), await watch.desk.take(mail_text(sender="b@posta.example"))
    await die(broker, CLASSIFIER, received(watch.desk, one))
    await die(broker, ROUTER, classified(two))
    await letters.run()
    assert await dead(broker) == [0, 0]
    assert sorted(await watch.reasons()) == [
        "the classifier failed on this mail and gave it up",
        "the router failed on this mail and gave it up",
    ]


async def test_a_letter_about_a_settled_mail_is_done_with(
    broker: MemoryBroker, letters: Letters, watch: Watch
) -> None:
    """The mail has its outcome: nothing is added."""
    mail_id = await watch.desk.settle(COMPLAINT)
    await die(broker, CLASSIFIER, received(watch.desk, mail_id), received(watch.desk, mail_id))
    await letters.run()
    assert await dead(broker) == [0, 0]
    assert [c.kind for c in await watch.desk.cases()] == ["complaint"]


async def test_what_speaks_of_no_mail_is_counted_and_gone(
    broker: MemoryBroker, letters: Letters, watch: Watch
) -> None:
    """Rubbish, another event, an unknown mail: nobody waits for these, and the page of metrics shows them."""
    unknown = MailId("0190a5d0-ac96-774b-bcce-b302099a8057")
    await die(broker, CLASSIFIER, b"\xff", b"{}", classified(unknown), received(watch.desk, unknown))
    await letters.run()
    assert await dead(broker) == [0, 0]
    assert watch.metrics.letters_unknown.labels(CLASSIFIER)._value.get() == 4
    assert await watch.desk.cases() == []


@pytest.mark.parametrize("grace", [0, 1, 2, 3])
async def test_a_ledger_that_is_away_sends_all_letters_back(
    broker: MemoryBroker, letters: Letters, watch: Watch, grace: int
) -> None:
    """Away before the look or before the write, at the first or the second letter: those in hand go back."""
    mails = [await watch.desk.take(mail_text(sender=f"c{n}@posta.example")) for n in range(3)]
    await die(broker, CLASSIFIER, *(received(watch.desk, mail_id) for mail_id in mails))
    watch.database.grace, watch.database.refuses = grace, 1
    with pytest.raises(TransientError):
        await letters.run()
    done = grace // 2
    assert await dead(broker) == [3 - done, 0]
    await letters.run()
    assert await dead(broker) == [0, 0]
    assert len(await watch.desk.cases()) == 3


async def test_a_broker_that_is_away_has_the_ledgers_round_instead(
    broker: MemoryBroker, letters: Letters, watch: Watch
) -> None:
    """No error, and the mail is driven and given up by its age."""
    await watch.desk.take(mail_text())
    await broker.close()
    await letters.run()
    assert len(await watch.round(seconds=61)) == 1
