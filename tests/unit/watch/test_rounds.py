"""The rounds of the watch, and the books that it shows."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from itaca.broker.memory import MemoryBroker
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED
from itaca.errors import PermanentError, TransientError
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from services.watch.app import WatchStage, build
from services.watch.books import Bookkeeper
from services.watch.settings import WatchSettings
from tests.support.case_facts import mail_text
from tests.support.routed import COMPLAINT, Desk
from tests.support.watched import FlakyDatabase


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def parts(desk: Desk, tmp_path: Path) -> Parts:
    """Give the parts of a process on the test ledger."""
    shared = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
    clock, rng = desk.ledger.clock, desk.ledger.rng
    database: Any = FlakyDatabase(desk.ledger.database)
    return Parts(shared, database, MemoryBroker(clock, random.Random(1)), clock, rng, Metrics())


@pytest.fixture
def stage(parts: Parts) -> WatchStage:
    """Give a watch as the process runs it."""
    return build(parts, WatchSettings())


async def test_one_failing_duty_stops_no_other(stage: WatchStage, parts: Parts, desk: Desk) -> None:
    """A duty that fails is named in words until it works again; the others are done in the same round."""
    done: list[str] = []
    errors: list[Exception] = [TransientError("the ledger is away"), PermanentError("refused")]

    async def failing() -> None:
        if errors:
            raise errors.pop(0)

    async def working() -> None:
        done.append("done")

    stage._duties = {"first": failing, "second": working}
    for problem in ("the ledger is away", "refused"):
        await stage.round()
        assert stage.problems() == [f"first: {problem}"]
    await stage.round()
    assert (stage.problems(), done) == ([], ["done"] * 3)


async def test_a_standstill_leaves_the_history_in_order(parts: Parts, desk: Desk) -> None:
    """A case that climbs several levels at once after days of standstill tells it in the order in which it did."""

    class Ticking:
        """The test's clock, which moves on a little whenever it is asked."""

        def __init__(self) -> None:
            self.asked = 0

        def now(self) -> datetime:
            self.asked += 1
            return desk.ledger.clock.now() + timedelta(microseconds=self.asked)

        def monotonic_s(self) -> float:
            return desk.ledger.clock.monotonic_s()

        async def sleep(self, seconds: float) -> None:
            await desk.ledger.clock.sleep(seconds)

    await desk.ledger.database.write(lambda conn: conn.execute(delete(t.people)))
    await desk.staff("one", "two", "three", "four", "five", "six")
    await desk.settle(COMPLAINT)
    await desk.pass_time(days=30)
    await build(replace(parts, clock=Ticking()), WatchSettings()).escalate()
    events = sorted(await desk.rows(t.case_events), key=lambda e: (e.at, e.id))
    assert [e.detail["level"] for e in events if e.kind == "promise_broken"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("refused", range(6))
async def test_a_ledger_that_fails_at_any_moment_costs_a_round_at_most(
    stage: WatchStage, parts: Parts, desk: Desk, refused: int
) -> None:
    """Whichever call fails, the next round escalates what is overdue."""
    await parts.broker.start()
    await desk.settle(COMPLAINT)
    await desk.pass_time(days=4)
    database: Any = parts.database
    database.grace, database.refuses = refused, 1
    await stage.round()
    await stage.round()
    assert stage.problems() == []
    assert [c.level for c in await desk.cases()] == [1]
    assert value(parts.metrics, "itaca_promises_broken_total", kind="answer") is not None


async def test_the_books_are_shown(parts: Parts, desk: Desk) -> None:
    """What waits, how old it is, what is open and overdue; what must be 0 is 0."""
    await parts.broker.start()
    keeper = Bookkeeper(parts.database, parts.broker, parts.clock, parts.metrics, 900.0)
    await desk.settle(COMPLAINT)
    await desk.pass_time(days=3)
    await desk.take(mail_text())
    await parts.broker.publish(CLASSIFIER_MAIL_RECEIVED, [b"{}"])
    await desk.pass_time(days=1)
    await keeper.run()
    shown = {
        name: value(parts.metrics, f"itaca_{name}")
        for name in ("unsettled_mails", "unsettled_oldest_age_seconds", "ledger_unaccounted", "cases_without_owner",
                     "cases_overdue", "outbox_pending", "outbox_oldest_age_seconds")
    }  # fmt: skip
    assert shown == {
        "unsettled_mails": 1, "unsettled_oldest_age_seconds": 86_400, "ledger_unaccounted": 0,
        "cases_without_owner": 0, "cases_overdue": 1, "outbox_pending": 2, "outbox_oldest_age_seconds": 345_600,
    }  # fmt: skip
    assert value(parts.metrics, "itaca_cases_open", kind="complaint") == 1
    assert value(parts.metrics, "itaca_cases_open", kind="order") == 0
    queue = CLASSIFIER_MAIL_RECEIVED
    assert value(parts.metrics, "itaca_queue_messages", queue=queue, state="ready") == 1
    assert value(parts.metrics, "itaca_queue_oldest_message_age_seconds", queue=queue) == 86_400


async def test_the_age_of_a_queue_comes_from_the_ledger_without_a_broker(parts: Parts, desk: Desk) -> None:
    """RabbitMQ is away: the oldest mail says how long the line has been standing."""
    keeper = Bookkeeper(parts.database, parts.broker, parts.clock, parts.metrics, 900.0)
    await desk.take(mail_text())
    await desk.pass_time(seconds=77)
    await keeper.run()
    age = value(parts.metrics, "itaca_queue_oldest_message_age_seconds", queue=CLASSIFIER_MAIL_RECEIVED)
    assert age == 77


async def test_a_page_of_the_books_is_closed_every_five_minutes(parts: Parts, desk: Desk) -> None:
    """Not in every round."""
    keeper = Bookkeeper(parts.database, parts.broker, parts.clock, parts.metrics, 900.0)
    await desk.settle(COMPLAINT)
    pages = []
    for _ in range(4):
        await desk.pass_time(hours=1)
        await keeper.run()
        await keeper.run()
        pages.append(len(await desk.rows(t.book_pages)))
    assert pages == sorted(pages)
    assert pages[-1] <= 4
