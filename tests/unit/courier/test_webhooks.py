"""Webhooks: signed, tried again, noted, and never led astray."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from itaca.contracts.intents import CaseOutcome
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.cases import close_case
from itaca.storage.deliveries import redeliver
from itaca.storage.promises import break_overdue
from itaca.storage.webhooks import (
    WebhookEvent,
    end_webhook,
)
from tests.support.receiver import Receiver
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY
from tests.support.webhook_office import Office, open_office


async def test_a_case_is_told_with_a_signature_that_verifies(office: Office) -> None:
    """Standard Webhooks: id, time and signature in the headers, type, time and facts in the body, no words."""
    _, secret = await office.subscription(WebhookEvent.CASE_OPENED)
    await office.desk.settle(COMPLAINT, "Dove sono i miei libri?")
    await office.rounds()
    (taken,) = office.receiver.taken
    (case,) = await office.desk.cases()
    # The library compares with the clock of the machine, which is not that of this test.
    signed = standardwebhooks.Webhook(secret).sign(taken.headers["webhook-id"], office.desk.now, taken.body.decode())
    assert signed in taken.headers["webhook-signature"].split()
    assert taken.headers["webhook-timestamp"] == str(int(office.desk.now.timestamp()))
    told = json.loads(taken.body)
    assert (told["type"], told["data"]["reference"], told["data"]["kind"]) == (
        "case.opened", case.reference, "complaint",
    )  # fmt: skip
    assert b"libri" not in taken.body
    assert await office.log() == [("case.opened", 200, "")]
    assert await office.states() == ["sent"]


async def test_the_life_of_a_case_is_told_event_by_event(office: Office) -> None:
    """Opened, escalated by a second contact, promise broken and escalated, closed: each once, in the same commit."""
    await office.subscribe()
    await office.desk.settle(COMPLAINT)
    await office.desk.settle(COMPLAINT)
    await office.desk.pass_time(days=5)
    now, rng, write = office.desk.now, office.desk.ledger.rng, office.desk.ledger.database.write
    await write(lambda c: break_overdue(c, now, POLICY, rng, "watch", 1))
    (case,) = await office.desk.cases()
    await office.desk.pass_time(seconds=1)
    later = office.desk.now
    await write(lambda c: close_case(c, case.id, CaseOutcome.REMEDIED, "parcel", later, rng, "agent"))
    await office.rounds()
    told = sorted(json.loads(one.body)["type"] for one in office.receiver.taken)
    assert told == ["case.closed", "case.escalated", "case.opened", "promise.broken"]
    assert await office.desk.problems() == []


async def test_who_did_not_subscribe_is_told_nothing(office: Office) -> None:
    """Neither other events, nor after the end of a subscription."""
    await office.subscribe(WebhookEvent.CASE_CLOSED)
    ended = await office.subscribe(WebhookEvent.CASE_OPENED)
    now = office.desk.now
    await office.desk.ledger.database.write(lambda c: end_webhook(c, ended.id, "by hand", now))
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    assert (office.receiver.taken, await office.states()) == ([], [])


@pytest.mark.parametrize("status", [500, 404, 301])
async def test_a_refusal_is_tried_again_with_the_same_id(office: Office, status: int) -> None:
    """No success is again later, a redirect too, which nobody follows; every attempt stands in the log."""
    await office.subscribe(WebhookEvent.CASE_OPENED)
    office.receiver.answers = [status]
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    assert await office.states() == ["pending"]
    await office.rounds(minutes=1)
    ids = [one.headers["webhook-id"] for one in office.receiver.taken]
    assert (len(ids), len(set(ids)), await office.states()) == (2, 1, ["sent"])
    assert [row[1] for row in await office.log()] == [status, 200]


async def test_a_receiver_that_is_gone_is_asked_no_more(office: Office) -> None:
    """410 ends the subscription, with its reason."""
    await office.subscribe(WebhookEvent.CASE_OPENED)
    office.receiver.answers = [410]
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    (hook,) = await office.desk.rows(t.webhooks)
    assert (hook.ended_because, await office.states()) == ("its receiver answered 410 Gone", ["failed"])


async def test_a_receiver_that_does_not_answer_is_noted(office: Office) -> None:
    """A closed port: no status, the kind of failure, again later."""
    await office.subscribe(WebhookEvent.CASE_OPENED)
    await office.receiver.close()
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    ((_, status, problem),) = await office.log()
    assert (status, problem) == (None, "the webhook does not answer (ConnectError)")


@pytest.mark.parametrize("url", ["https://localhost/x", "https://169.254.169.254/latest", "http://1.1.1.1/"])
async def test_nobody_is_led_into_our_network(tmp_path: Path, receiver: Receiver, url: str) -> None:
    """Without a setting that allows it, private addresses and plain HTTP are refused before anything is sent."""
    async with open_office(tmp_path, receiver, webhook_networks=()) as office:
        await office.subscribe(WebhookEvent.CASE_OPENED, url=url)
        await office.desk.settle(COMPLAINT)
        await office.rounds()
        assert (receiver.taken, await office.states()) == ([], ["failed"])
        ((_, status, problem),) = await office.log()
        assert (status, "no setting allows" in problem) == (None, True)


@pytest.mark.parametrize(
    ("judged", "event", "state"),
    [(ORDER, "order.received", None), (CANCELLATION, "cancellation.requested", "handed")],
)
async def test_a_hand_off_by_webhook_counts_when_it_is_taken(
    office: Office, judged: Any, event: str, state: str | None
) -> None:
    """Refused first, taken then: only now the order is the order system's, the cancellation handed over."""
    await office.subscribe(WebhookEvent(event))
    office.receiver.answers = [503]
    await office.desk.settle(judged, "Vorrei due copie", reply_to_address="")
    await office.rounds()
    (case,) = await office.desk.cases()
    assert case.status == "open"
    await office.rounds(minutes=1)
    told = json.loads(office.receiver.taken[-1].body)
    assert (told["type"], told["data"]["text"]) == (event, "Vorrei due copie")
    (case,) = await office.desk.cases()
    found = [row.state for row in await office.desk.rows(t.cancellations)]
    assert (case.status, found) == (("closed", []) if state is None else ("open", [state]))
    assert not list(Path(office.stage._parts.settings.data_dir, "outbox").rglob("orders/new/*"))


async def test_an_event_is_sent_again_on_request(office: Office) -> None:
    """By the id of an attempt, with the same id of the event; not for another's subscription."""
    hook = await office.subscribe(WebhookEvent.CASE_OPENED)
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    (attempt,) = await office.desk.rows(t.webhook_deliveries)
    now, rng, write = office.desk.now, office.desk.ledger.rng, office.desk.ledger.database.write
    with pytest.raises(PermanentError, match="no such delivery"):
        await write(lambda c: redeliver(c, "another", attempt.id, now, rng))
    await write(lambda c: redeliver(c, hook.id, attempt.id, now, rng))
    await office.rounds()
    first, second = office.receiver.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_a_slow_receiver_holds_nobody_up_for_long(tmp_path: Path, receiver: Receiver) -> None:
    """An answer that never comes ends at the limit and is tried again."""
    async with open_office(tmp_path, receiver, webhook_timeout_s=0.2) as office:
        await office.subscribe(WebhookEvent.CASE_OPENED)
        receiver.is_silent = True
        await office.desk.settle(COMPLAINT)
        async with asyncio.timeout(30):
            await office.rounds()
        ((_, _, problem),) = await office.log()
        assert problem == "the webhook does not answer (ReadTimeout)"


async def test_an_answer_that_drips_holds_nobody_up_for_long(tmp_path: Path, receiver: Receiver) -> None:
    """The limit is of the whole answer: a receiver that sends line after line of it does not stop the courier."""
    async with open_office(tmp_path, receiver, webhook_timeout_s=0.5) as office:
        await office.subscribe(WebhookEvent.CASE_OPENED)
        receiver.is_dripping = True
        await office.desk.settle(COMPLAINT)
        async with asyncio.timeout(30):
            await office.rounds()
        ((_, _, problem),) = await office.log()
        assert (problem, await office.states()) == ("the webhook does not answer (ReadTimeout)", ["pending"])


@pytest.mark.parametrize("url", ["https://crm.example:99999/x", "https://", "https://[::1/x"])
async def test_an_address_that_is_none_costs_its_own_events_only(office: Office, url: str) -> None:
    """Somebody wrote it into the ledger: it is noted as a fault, and the others are told."""
    odd, _ = await office.subscribe(WebhookEvent.CASE_OPENED), await office.subscribe(WebhookEvent.CASE_OPENED)
    await office.desk.ledger.database.write(
        lambda c: c.execute(t.webhooks.update().where(t.webhooks.c.id == odd.id).values(url=url))
    )
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    assert (sorted(await office.states()), len(office.receiver.taken)) == (["failed", "sent"], 1)
    assert "the webhook has no address that leads anywhere" in [problem for _, _, problem in await office.log()]
