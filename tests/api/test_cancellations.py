"""Cancellations, suppressions and activities by HTTP."""

from datetime import timedelta
from typing import Any

from itaca.mail.model import Entity, EntityKind
from itaca.storage import tables as t
from tests.support.api import ApiDesk, problem_of
from tests.support.routed import CANCELLATION, COMPLAINT, customer_code

CONTRACT = Entity(kind=EntityKind.CONTRACT_NUMBER, value="770-21455")
EMAIL = "/suppressions/email/anna@posta.example"


async def cancelled(api: ApiDesk) -> str:
    """Let Anna cancel, and return the reference of her case."""
    await api.desk.settle(CANCELLATION, "disdico", CONTRACT, customer_code("K 77".replace(" ", "")))
    (case,) = await api.desk.cases()
    return str(case.reference)


async def effect(api: ApiDesk, reference: str, **more: Any) -> Any:
    body = {"effected_at": api.desk.now.isoformat(), "evidence": "order 7"}
    return await api.post(f"/cancellations/{reference}/effected", body, **more)


def charge(api: ApiDesk, number: str = "1", **more: Any) -> dict[str, Any]:
    known = {"system": "billing", "id": number, "kind": "charge", "happened_at": api.desk.now.isoformat()}
    return {**known, "email": "anna@posta.example", **more}


async def test_nobody_cancelled_nothing_is_suppressed(api: ApiDesk) -> None:
    """An unknown customer is an answer, not an error."""
    response = await api.get(EMAIL)
    assert (response.status_code, response.json()) == (200, {"suppressed": False, "because": []})
    assert response.headers["cache-control"] == "private, max-age=60"


async def test_a_cancellation_is_announced_and_then_binds(api: ApiDesk) -> None:
    """Until its effect it is told and does not suppress; from then on it does; the tag changes with it."""
    reference = await cancelled(api)
    before = await api.get(EMAIL)
    assert before.json()["suppressed"] is False
    assert [one["reference"] for one in before.json()["because"]] == [reference]
    same = await api.get(EMAIL, headers={"if-none-match": before.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await effect(api, reference)
    after = await api.get(EMAIL, headers={"if-none-match": before.headers["etag"]})
    assert (after.status_code, after.json()["suppressed"]) == (200, True)
    for path in ("/suppressions/customer/k77", "/suppressions/contract/770-21455"):
        assert (await api.get(path)).json()["suppressed"] is True


async def test_an_answer_is_not_kept_beyond_the_next_effect(api: ApiDesk) -> None:
    """Ten seconds before a cancellation takes effect the answer lives ten seconds."""
    reference = await cancelled(api)
    (row,) = await api.desk.rows(t.cancellations)
    shown = (await api.get(f"/cancellations/{reference}")).json()
    assert shown["state"] == "requested"
    await api.desk.ledger.clock.advance(
        timedelta(microseconds=row.effective_at)
        - timedelta(microseconds=int(api.desk.now.timestamp() * 1e6), seconds=10)
    )
    assert (await api.get(EMAIL)).headers["cache-control"] == "private, max-age=10"


async def test_an_effect_is_confirmed_once_and_shown(api: ApiDesk) -> None:
    """The case is closed and the register says by whom it was done; the same key is answered alike."""
    reference = await cancelled(api)
    body = {"effected_at": api.desk.now.isoformat(), "evidence": "order 7"}
    path, keyed = f"/cancellations/{reference}/effected", {"headers": {"idempotency-key": "k1"}}
    first, again = await api.post(path, body, **keyed), await api.post(path, body, **keyed)
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["system"]) == ("watched", "everything")
    assert again.headers["idempotency-replayed"] == "true"
    (case,) = await api.desk.cases()
    assert (await api.desk.history(case.id)).count("effected") == 1
    assert "effect_confirmed" not in await api.desk.history(case.id)
    other = await api.post(path, {**body, "evidence": "order 8"}, **keyed)
    assert (other.status_code, problem_of(other)["status"]) == (409, 409)


async def test_what_changed_since_it_was_read_is_not_changed_again(api: ApiDesk) -> None:
    """If-Match with an old tag is 412; with the present one, or none, it is done."""
    reference = await cancelled(api)
    read = await api.get(f"/cancellations/{reference}")
    assert (await effect(api, reference, headers={"if-match": '"old"'})).status_code == 412
    done = await effect(api, reference, headers={"if-match": read.headers["etag"]})
    assert done.status_code == 200
    assert (await effect(api, reference, headers={"if-match": read.headers["etag"]})).status_code == 412


async def test_no_cancellation_no_effect(api: ApiDesk) -> None:
    """404 for a reference that is none, or that of a complaint."""
    await api.desk.settle(COMPLAINT)
    (case,) = await api.desk.cases()
    for reference in (case.reference, "IT-00000-00000"):
        assert (await effect(api, reference)).status_code == 404


async def test_a_charge_after_the_effect_is_a_violation(api: ApiDesk) -> None:
    """201 with the case that it reopened; the same report again is 200; something else under its id is 409."""
    reference = await cancelled(api)
    await effect(api, reference)
    await api.desk.pass_time(days=3)
    report = charge(api)
    first, again = await api.post("/activities", report), await api.post("/activities", report)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["verdict"], first.json()["reference"]) == ("violation", reference)
    assert (await api.post("/activities", charge(api, amount="1 EUR"))).status_code == 409
    register = (await api.get(f"/cancellations/{reference}")).json()
    assert (register["violations"], register["is_open"], register["state"]) == (1, True, "watched")
    assert api.metrics.registry.get_sample_value("itaca_cancellation_violations_total", {"kind": "charge"}) == 1.0


async def test_an_activity_says_to_whom(api: ApiDesk) -> None:
    """Without address, code and contract nobody could be found: refused as a fault of the request."""
    response = await api.post("/activities", charge(api, email=""))
    assert "say to whom" in problem_of(response)["errors"][0]["says"]


async def test_a_customer_who_came_back_is_sent_to_again(api: ApiDesk) -> None:
    """Withdrawn by whoever has the new order."""
    reference = await cancelled(api)
    await effect(api, reference)
    done = await api.post(f"/cancellations/{reference}/withdrawn", {"evidence": "order 9"})
    assert (done.json()["state"], done.json()["ended_as"]) == ("closed", "withdrawn")
    assert (await api.get(EMAIL)).json() == {"suppressed": False, "because": []}


async def test_the_register_is_read_page_by_page(api: ApiDesk) -> None:
    """Every cancellation once, whatever the page; by state if asked."""
    for number in range(5):
        await api.desk.settle(CANCELLATION, sender=f"c{number}@posta.example")
    seen, cursor = [], ""
    while cursor is not None:
        page = (await api.get("/cancellations", params={"limit": 2, "cursor": cursor})).json()
        seen += [one["reference"] for one in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(case.reference for case in await api.desk.cases())
    assert (await api.get("/cancellations", params={"state": "watched"})).json() == {"items": [], "next": None}
