"""Subscriptions that are paused, get a new secret, or whose key is lost."""

import json

from itaca.keys import SECRET_FILE, open_keyring
from itaca.storage.deliveries import send_test
from itaca.storage.webhooks import WebhookEvent, pause_webhook, resume_webhook, rotate_secret
from tests.support.routed import COMPLAINT, ORDER
from tests.support.webhook_office import Office, verifies


async def test_what_happens_during_a_pause_waits_for_its_end(office: Office) -> None:
    """However long it lasts: nothing is tried and nothing given up; a test gets through; then all leaves at once."""
    hook = await office.subscribe(WebhookEvent.CASE_OPENED, WebhookEvent.ORDER_RECEIVED)
    write, rng = office.desk.ledger.database.write, office.desk.ledger.rng
    await write(lambda c: pause_webhook(c, hook.id, office.desk.now))
    await office.desk.settle(COMPLAINT)
    await office.desk.settle(ORDER, "Due copie", reply_to_address="")
    for _ in range(3):
        await office.rounds(days=1)
    assert (office.receiver.taken, await office.log()) == ([], [])
    await write(lambda c: send_test(c, hook.id, office.desk.now, rng))
    await office.rounds()
    assert await office.log() == [("webhook.test", 200, "")]
    await write(lambda c: resume_webhook(c, hook.id, office.desk.now))
    await office.rounds()
    told = sorted(json.loads(one.body)["type"] for one in office.receiver.taken)
    assert told == ["case.opened", "case.opened", "order.received", "webhook.test"]
    assert set(await office.states()) == {"sent"}


async def test_after_a_rotation_both_secrets_verify_for_a_day(office: Office) -> None:
    """A receiver that has not learned the new secret yet takes what comes; a day later it must know it."""
    hook, first = await office.subscription(WebhookEvent.CASE_OPENED)
    keyring = open_keyring(office.shared)
    now = office.desk.now
    second = await office.desk.ledger.database.write(lambda c: rotate_secret(c, hook.id, now, keyring))
    for number, hours in enumerate((1, 24)):
        await office.desk.settle(COMPLAINT, sender=f"{number}@posta.example")
        await office.rounds(hours=hours)
    early, late = office.receiver.taken
    assert [verifies(early, secret) for secret in (first, second)] == [True, True]
    assert [verifies(late, secret) for secret in (first, second)] == [False, True]


async def test_a_lost_key_loses_no_event(office: Office) -> None:
    """Nothing is sent unsigned and nothing is given up: it waits, says why, and leaves when the key is back."""
    await office.subscribe(WebhookEvent.CASE_OPENED)
    path = office.shared.data_dir / SECRET_FILE
    key = path.read_text(encoding="ascii")
    path.unlink()
    await office.desk.settle(COMPLAINT)
    await office.rounds()
    assert await office.log() == [
        ("case.opened", None, "the secret of the webhook cannot be opened: see ITACA_SECRET_KEY")
    ]
    assert (office.receiver.taken, await office.states()) == ([], ["pending"])
    path.write_text(key, encoding="ascii")
    await office.rounds(minutes=2)
    assert await office.states() == ["sent"]
