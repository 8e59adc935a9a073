"""From the ledger to the classifier: what is published was kept before, and a failure is left to the watch."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, QueueName
from itaca.clock import ManualClock
from itaca.contracts.codec import decode
from itaca.contracts.events import MailReceived
from itaca.contracts.ids import MailId
from itaca.dispatch import Arrival, Dispatcher, ReadMailRow
from itaca.errors import PermanentError, TransientError
from itaca.mail.model import Envelope, MailText
from itaca.mail.written import written_text
from itaca.observability.metrics import Metrics
from itaca.readers import Unread

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FakeReaders:
    """Reads the subject from the bytes; may be away."""

    is_away = False
    readings = 0

    async def read(self, mails: Sequence[Unread]) -> list[MailText]:
        if self.is_away:
            raise TransientError("no process")
        self.readings += len(mails)
        return [MailText(subject=mail.raw.decode(), sender=mail.envelope.sender) for mail in mails]

    async def close(self) -> None:
        self.is_closed = True


class FakeDatabase:
    """Keeps texts in one dictionary per transaction; may be away."""

    is_away = False
    dialect = "none"

    def __init__(self) -> None:
        self.transactions: list[dict[MailId, MailText]] = []

    async def write(self, work: Callable[[Any], Any]) -> Any:
        if self.is_away:
            raise TransientError("away")
        kept: dict[MailId, MailText] = {}
        answer = work(kept)
        if any(text.subject == "refused" for text in kept.values()):
            raise PermanentError("a constraint")
        self.transactions.append(kept)
        return answer

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return work(self.transactions)

    async def close(self) -> None:
        self.is_closed = True


class FakeBroker:
    """Keeps windows; may be away."""

    is_away = False

    def __init__(self) -> None:
        self.windows: list[tuple[QueueName, list[MailReceived]]] = []

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None:
        if self.is_away:
            raise TransientError("away")
        self.windows.append((queue, [decode(MailReceived, body) for body in bodies]))


def keep(connection: Connection, texts: Sequence[tuple[MailId, MailText]]) -> None:
    connection.update(texts)  # type: ignore[attr-defined]


class World:
    """A dispatcher and everything it talks to."""

    def __init__(self) -> None:
        self.readers, self.database, self.broker = FakeReaders(), FakeDatabase(), FakeBroker()
        self.metrics, self.clock = Metrics(), ManualClock(NOW)
        self.dispatcher = Dispatcher(
            self.readers, written_text, self.database, keep, self.broker, self.metrics, self.clock
        )

    def left(self, reason: str) -> float:
        value = self.metrics.registry.get_sample_value("itaca_mails_left_to_watch_total", {"reason": reason})
        return value or 0.0


def arrivals(*subjects: str) -> list[Arrival]:
    envelope = Envelope(sender="a@example.org", recipients=("b@example.org",))
    return [Arrival(MailId(f"id-{subject}"), NOW, envelope, subject.encode()) for subject in subjects]


async def test_texts_are_kept_in_one_transaction_and_published_in_one_window() -> None:
    """Three mails cost one transaction and one window, in order."""
    world = World()
    assert await world.dispatcher.dispatch(arrivals("uno", "due", "tre")) == 3
    [kept] = world.database.transactions
    assert list(kept) == ["id-uno", "id-due", "id-tre"]
    [(queue, events)] = world.broker.windows
    assert queue == CLASSIFIER_MAIL_RECEIVED
    assert [(event.mail_id, event.text.subject) for event in events] == [
        ("id-uno", "uno"),
        ("id-due", "due"),
        ("id-tre", "tre"),
    ]
    assert events[0].received_at == NOW


@pytest.mark.parametrize("away", ["readers", "database", "broker"])
async def test_lm3_whatever_is_away_leaves_the_mails_to_the_watch(away: str) -> None:
    """Nothing is raised: the mails are counted, and nothing is published that was not kept."""
    world = World()
    getattr(world, away).is_away = True
    assert await world.dispatcher.dispatch(arrivals("uno", "due")) == 0
    assert world.broker.windows == []
    assert world.left({"readers": "reader", "database": "ledger", "broker": "broker"}[away]) == 2


async def test_lm28_a_text_that_the_ledger_refuses_costs_itself_alone() -> None:
    """The neighbours of a text that breaks a constraint are kept and published."""
    world = World()
    assert await world.dispatcher.dispatch(arrivals("uno", "refused", "tre")) == 2
    assert [list(kept) for kept in world.database.transactions] == [["id-uno"], ["id-tre"]]
    assert [event.mail_id for event in world.broker.windows[0][1]] == ["id-uno", "id-tre"]
    assert world.left("refused") == 1


async def test_an_absent_broker_is_logged_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """A broker that is away for long fills no log."""
    world = World()
    world.broker.is_away = True
    for _ in range(5):
        await world.dispatcher.dispatch(arrivals("uno"))
    await world.clock.advance(timedelta(seconds=61))
    await world.dispatcher.dispatch(arrivals("uno"))
    assert capsys.readouterr().out.count("dispatch.left_to_watch") == 2
    assert world.left("broker") == 6


async def test_a_text_that_is_kept_is_not_read_again() -> None:
    """Driving a mail again publishes the text as it was kept."""
    world = World()
    row = ReadMailRow(MailId("id-uno"), NOW, MailText(subject="uno", new_text="ciao"))
    assert await world.dispatcher.redispatch([row]) == 1
    assert world.readers.readings == 0
    assert world.broker.windows[0][1][0].text.new_text == "ciao"
    assert await world.dispatcher.redispatch([]) == 0
    assert await world.dispatcher.dispatch([]) == 0


async def test_a_text_of_any_length_makes_an_event() -> None:
    """A text far over the limit of an event is published, cut by its rule."""
    world = World()
    row = ReadMailRow(MailId("id-uno"), NOW, MailText(new_text="è" * 500_000))
    assert await world.dispatcher.redispatch([row]) == 1
    assert world.broker.windows[0][1][0].text.is_truncated
