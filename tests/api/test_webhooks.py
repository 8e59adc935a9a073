"""Subscriptions by HTTP: made, listed without their secret, ended, their log read."""

from itaca.storage import tables as t
from itaca.storage.announcements import FACTS
from itaca.storage.deliveries import Delivery, log_delivery
from services.desk.api.told import CaseFacts
from tests.support.api import ApiDesk, problem_of
from tests.support.routed import COMPLAINT

NEW = {"url": "https://crm.example/itaca", "events": ["case.opened"]}


async def attempted(api: ApiDesk, webhook_id: str) -> str:
    """Be a courier that tried once and was refused; return the id of the attempt."""
    await api.desk.settle(COMPLAINT)
    (entry,) = await api.desk.rows(t.outbox, kind="webhook")
    one = Delivery(
        api.desk.ledger.new_id(),
        webhook_id,
        entry.id,
        entry.payload["id"],
        "case.opened",
        api.desk.now,
        500,
        12,
        "500",
    )
    await api.desk.ledger.database.write(lambda c: log_delivery(c, one))
    return one.id


async def test_the_secret_is_shown_once(api: ApiDesk) -> None:
    """When it is made, and never again; an ended one stays listed with its reason."""
    made = await api.post("/webhooks", NEW)
    assert (made.status_code, made.json()["secret"].startswith("whsec_")) == (201, True)
    listed = await api.get("/webhooks")
    assert made.json()["secret"] not in listed.text
    path = f"/webhooks/{made.json()['id']}"
    assert [(await api.client.delete(path)).status_code for _ in range(2)] == [204, 404]
    (one,) = (await api.get("/webhooks")).json()["items"]
    assert one["ended_because"] == "ended by everything"


async def test_an_attempt_is_read_and_repeated(api: ApiDesk) -> None:
    """The log says what HTTP answered; sending again queues one more entry with the same id."""
    hook = (await api.post("/webhooks", NEW)).json()["id"]
    attempt = await attempted(api, hook)
    (shown,) = (await api.get(f"/webhooks/{hook}/deliveries")).json()["items"]
    assert (shown["id"], shown["status"], shown["problem"]) == (attempt, 500, "500")
    path = f"/webhooks/{hook}/deliveries/{attempt}/redeliver"
    assert (await api.post(path)).status_code == 202
    first, second = await api.desk.rows(t.outbox, kind="webhook")
    assert first.payload == second.payload
    assert (await api.client.delete(f"/webhooks/{hook}")).status_code == 204
    assert "ended" in problem_of(await api.post(path))["detail"]


def test_every_fact_that_is_told_is_described() -> None:
    """Whoever writes a receiver finds each name of an event's data in the description of the API."""
    assert set(FACTS) - set(CaseFacts.model_fields) == set()


async def test_an_address_that_is_none_is_refused(api: ApiDesk) -> None:
    """Other schemes, passwords in the address, no events, unknown events."""
    for change in (
        {"url": "ftp://crm.example/x"},
        {"url": "https://me:secret@crm.example/x"},
        {"url": "https://"},
        {"events": []},
        {"events": ["case.dreamt"]},
    ):
        assert (await api.post("/webhooks", {**NEW, **change})).status_code == 422, change
