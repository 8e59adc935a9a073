"""What becomes of an outbox entry: sent, put off, failed or unknown, and never twice by guessing."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from itaca.broker.memory import MemoryBroker
from itaca.cases.policy import Policy
from itaca.contracts.codec import decode
from itaca.contracts.events import OrderHandoff
from itaca.contracts.ids import OutboxId
from itaca.contracts.intents import OutboxKind
from itaca.errors import PermanentError, TransientError
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.routing import Waiting
from services.courier.app import CourierStage
from services.courier.doors import AnswerLostError
from services.courier.messages import Letters
from services.courier.settings import CourierSettings
from tests.support.case_facts import judgement
from tests.support.ledger import open_ledger
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, Desk

ACK, NOTICE, ORDER_OUT, CANCELLATION_OUT, *_ = OutboxKind


class Door:
    """A door that does as told: ``answers`` are raised one after another, then everything is taken."""

    def __init__(self) -> None:
        self.is_idempotent = False
        self.answers: list[Exception] = []
        self.taken: list[tuple[str, str, EmailMessage]] = []
        self.before: Any = None

    async def deliver(self, entry: OutboxId, message: EmailMessage, sender: str, recipient: str) -> None:
        if self.before is not None:
            await self.before()
        if self.answers:
            raise self.answers.pop(0)
        self.taken.append((entry, recipient, message))


class Office:
    """A courier on a ledger of its own."""

    def __init__(
        self, desk: Desk, folder: Path, *, door: Door | None = None, exchange: bool = False, **settings: Any
    ) -> None:
        self.desk, self.door = desk, door or Door()
        self.broker = MemoryBroker(desk.ledger.clock, random.Random(1))
        url = "amqp://localhost" if exchange else "memory://"
        shared = load(SharedSettings, {"ITACA_DATA_DIR": str(folder), "ITACA_BROKER_URL": url})
        self.metrics = Metrics()
        parts = Parts(shared, desk.ledger.database, self.broker, desk.ledger.clock, desk.ledger.rng, self.metrics)
        letters = Letters("Servizio Clienti", "", "", Policy().calendar.zone)
        self.stage = CourierStage(parts, CourierSettings(**settings), self.door, letters)

    async def rounds(self, count: int = 1) -> int:
        return sum([await self.stage.round() for _ in range(count)])

    async def states(self, kind: OutboxKind) -> list[str]:
        return [row.state for row in await self.desk.rows(t.outbox, kind=kind.value)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a ledger in memory with an agent."""
    async with open_ledger("sqlite://") as ledger:
        made = Desk(ledger)
        await made.staff("agent")
        yield made


@pytest.fixture
async def office(desk: Desk, tmp_path: Path) -> Office:
    """Give a courier without an exchange."""
    made = Office(desk, tmp_path)
    await made.broker.start()
    return made


async def test_a_complaint_leaves_as_two_letters(office: Office) -> None:
    """The acknowledgement to the customer, the notice to the owner, each once."""
    await office.desk.settle(COMPLAINT)
    assert await office.rounds(3) == 2
    assert sorted(recipient for _, recipient, _ in office.door.taken) == ["agent@shop.example", "anna@posta.example"]
    assert await office.states(ACK) == await office.states(NOTICE) == ["sent"]


async def test_a_silent_relay_leaves_an_acknowledgement_unknown_and_a_notice_again(office: Office) -> None:
    """N3: a second acknowledgement is worse than none; a second notice is better than none."""
    await office.desk.settle(COMPLAINT)
    await office.desk.pass_time(seconds=1)
    office.door.answers = [AnswerLostError("silence"), AnswerLostError("silence")]
    await office.rounds()
    assert (await office.states(ACK), await office.states(NOTICE)) == (["unknown"], ["pending"])
    await office.desk.pass_time(minutes=2)
    await office.rounds(2)
    assert (await office.states(ACK), await office.states(NOTICE)) == (["unknown"], ["sent"])
    (case,) = await office.desk.cases()
    assert await office.desk.history(case.id) == ["opened", "acknowledgement_unknown"]


async def test_an_error_nobody_foresaw_costs_one_entry_its_lease(office: Office) -> None:
    """The others leave and the courier goes on; taken over, a letter is sent again, an acknowledgement is not."""
    await office.desk.settle(COMPLAINT)
    await office.desk.pass_time(seconds=1)
    office.door.answers = [RuntimeError("a bug"), RuntimeError("a bug")]
    await office.rounds()
    assert (await office.states(ACK), await office.states(NOTICE)) == (["sending"], ["pending"])
    await office.desk.pass_time(seconds=300)
    await office.rounds(2)
    assert (await office.states(ACK), await office.states(NOTICE)) == (["unknown"], ["sent"])


async def test_pauses_double_and_nothing_leaves_before_its_time(office: Office) -> None:
    """30 s, 1 min, 2 min and so on, at most an hour, with a fifth of chance around."""
    await office.desk.settle(COMPLAINT, reply_to_address="")
    pauses = []
    for _ in range(10):
        office.door.answers = [TransientError("451")]
        assert await office.rounds(2) == 1
        (row,) = await office.desk.rows(t.outbox)
        pauses.append(row.next_at / 1e6 - office.desk.now.timestamp())
        await office.desk.ledger.clock.advance(timedelta(seconds=pauses[-1] + 0.001))
    expected = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert all(0.79 * e <= p <= 1.21 * e for p, e in zip(pauses, expected, strict=True))


async def test_letters_are_given_up_after_a_day(office: Office) -> None:
    """A notice that was refused for a day has failed, and the history says so."""
    await office.desk.settle(COMPLAINT)
    await office.desk.pass_time(days=1, seconds=1)
    office.door.answers = [TransientError("451"), TransientError("451")]
    await office.rounds()
    assert (await office.states(ACK), await office.states(NOTICE)) == (["failed"], ["failed"])
    (case,) = await office.desk.cases()
    assert sorted(await office.desk.history(case.id)) == ["acknowledgement_failed", "notice_failed", "opened"]


@pytest.mark.parametrize("error", [TransientError("451"), PermanentError("550"), AnswerLostError("silence")])
async def test_a_handoff_is_never_given_up(office: Office, error: Exception) -> None:
    """Refused for now, for good, or silent, for weeks: it is tried again until the other system has it."""
    await office.desk.settle(judgement("Y"), reply_to_address="")
    for _ in range(3):
        await office.desk.pass_time(days=7)
        office.door.answers = [error]
        await office.rounds()
        assert await office.states(ORDER_OUT) == ["pending"]
    await office.desk.pass_time(hours=2)
    await office.rounds()
    assert await office.states(ORDER_OUT) == ["sent"]


async def test_a_permanent_refusal_fails_a_letter_at_once(office: Office) -> None:
    """550: nobody is bothered again, the case stands."""
    await office.desk.settle(COMPLAINT)
    office.door.answers = [PermanentError("550"), PermanentError("550")]
    await office.rounds(2)
    assert (await office.states(ACK), await office.states(NOTICE)) == (["failed"], ["failed"])


async def test_an_address_that_cannot_be_written_stops_nobody_else(office: Office) -> None:
    """One impossible recipient fails alone; the stage goes on."""
    await office.desk.settle(COMPLAINT, reply_to_address="però@posta.example")
    await office.rounds()
    assert (await office.states(ACK), await office.states(NOTICE)) == (["failed"], ["sent"])


async def test_a_lost_lease_sends_nothing(office: Office) -> None:
    """N1: claimed by this courier, ended by another while this one was slow: no second letter."""
    await office.desk.settle(COMPLAINT)
    entries = await office.desk.claim(lease_s=60)
    (ack,) = [e for e in entries if e.kind is ACK]
    await office.stage._courier.deliver(ack)
    await office.stage._courier.deliver(ack)
    assert [entry for entry, _, _ in office.door.taken] == [ack.id]
    assert await office.states(ACK) == ["sent"]


async def test_two_couriers_send_an_acknowledgement_once(office: Office, tmp_path: Path) -> None:
    """The lease of a slow courier runs out before it begins: whoever begins first sends, the other does not."""
    second = Office(office.desk, tmp_path, door=office.door)
    await office.desk.settle(COMPLAINT)
    slow = [e for e in await office.desk.claim(lease_s=60) if e.kind is ACK]
    await office.desk.pass_time(minutes=2)
    quick = [e for e in await office.desk.claim(lease_s=60) if e.kind is ACK]

    async def meanwhile() -> None:
        office.door.before = None
        await office.stage._courier.deliver(slow[0])

    office.door.before = meanwhile
    await second.stage._courier.deliver(quick[0])
    assert len(office.door.taken) == 1


async def test_a_folder_may_be_written_twice(office: Office) -> None:
    """Where twice is once, a crash between file and commit costs nothing: the entry is simply claimed again."""
    office.door.is_idempotent = True
    await office.desk.settle(COMPLAINT)
    (ack,) = [e for e in await office.desk.claim(lease_s=60) if e.kind is ACK]
    office.door.answers = [AnswerLostError("x")]
    await office.desk.pass_time(minutes=2)
    assert ack.id in {e.id for e in await office.desk.claim(lease_s=60)}


async def test_the_exchange_confirms_and_the_order_is_closed(desk: Desk, tmp_path: Path) -> None:
    """With RabbitMQ the event is published once with its id; the case closes, nothing is written elsewhere."""
    office = Office(desk, tmp_path, exchange=True)
    await office.broker.start()
    await desk.settle(ORDER, reply_to_address="")
    await desk.settle(CANCELLATION, reply_to_address="")
    await office.rounds(2)
    handed = {event.routing_key: event for event in office.broker.outcomes}
    (order,) = await desk.rows(t.outbox, kind=ORDER_OUT.value)
    case = (await desk.cases())[0]
    event = decode(OrderHandoff, handed["order.received"].body)
    assert (handed["order.received"].message_id, event.reference) == (order.id, case.reference)
    assert (event.customer, event.text) == ("anna@posta.example", "testo")
    assert [(c.kind, c.status) for c in await desk.cases()] == [("order", "closed"), ("cancellation", "open")]
    assert [r for _, r, _ in office.door.taken] == ["agent@shop.example"]


async def test_a_broker_that_is_away_keeps_the_order_waiting(desk: Desk, tmp_path: Path) -> None:
    """Not confirmed is not handed: the case stays open, and leaves when the broker is back."""
    office = Office(desk, tmp_path, exchange=True)
    await desk.settle(ORDER, reply_to_address="")
    await office.rounds()
    assert await office.states(ORDER_OUT) == ["pending"]
    await office.broker.start()
    await desk.pass_time(minutes=1)
    await office.rounds()
    assert [c.outcome for c in await desk.cases()] == ["ordered"]


async def test_a_mailbox_of_the_order_system(desk: Desk, tmp_path: Path) -> None:
    """A mailbox beside the exchange gets the letter too."""
    office = Office(desk, tmp_path, exchange=True, orders_to="ordini@erp.example")
    await office.broker.start()
    await desk.settle(ORDER, reply_to_address="")
    await office.rounds()
    assert (len(office.broker.outcomes), [r for _, r, _ in office.door.taken]) == (1, ["ordini@erp.example"])


async def test_the_worst_text_still_fits_into_an_event(desk: Desk, tmp_path: Path) -> None:
    """Characters that JSON writes six times as long do not make a hand-off impossible."""
    office = Office(desk, tmp_path, exchange=True)
    await office.broker.start()
    await desk.settle(ORDER, "\x01" * 60_000, subject="\x01" * 1_000, reply_to_address="")
    await office.rounds()
    assert await office.states(ORDER_OUT) == ["sent"]


async def test_a_ledger_that_is_away_is_a_problem_in_words(office: Office) -> None:
    """The stage says so, sends nothing, and goes on when it is back."""

    class Away:
        dialect = "sqlite"

        async def write(self, work: Any) -> Any:
            raise TransientError("the ledger is away")

    await office.desk.settle(COMPLAINT)
    parts = office.stage._parts
    object.__setattr__(parts, "database", Away())
    assert await office.stage.round() == 0
    assert office.stage.problems() == ["the ledger is away"]
    object.__setattr__(parts, "database", office.desk.ledger.database)
    assert await office.stage.round() == 2
    assert office.stage.problems() == []


async def test_a_letter_of_a_mail_that_was_never_read(office: Office) -> None:
    """A review without a text: the owner is told all the same."""
    await office.desk.route(Waiting(await office.desk.take(), None, "dead letter"))
    await office.rounds()
    ((_, recipient, message),) = office.door.taken
    assert recipient == "agent@shop.example"
    assert "dead letter" in message.get_content()
