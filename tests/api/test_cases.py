"""Cases, mails, labels and orders by HTTP."""

from itaca.contracts.intents import CaseKind
from itaca.storage import tables as t
from itaca.storage.case_merging import Merger, merge
from tests.support.api import ApiDesk, problem_of
from tests.support.desk_acts import case_of, complain, do, look
from tests.support.routed import COMPLAINT, NOTHING, ORDER, POLICY

CLOSING = {"outcome": "remedied", "evidence": "parcel 7 delivered"}


async def reference_of(api: ApiDesk, kind: CaseKind = CaseKind.COMPLAINT) -> str:
    (case,) = await api.desk.cases(kind)
    return str(case.reference)


async def test_a_case_shows_its_owner_and_what_is_due(api: ApiDesk) -> None:
    """By its reference in any case of letters; the tag spares a second reading."""
    await api.desk.settle(COMPLAINT)
    reference = await reference_of(api)
    shown = await api.get(f"/cases/{reference.lower()}")
    assert shown.json()["owner"] == "agent@shop.example"
    assert (shown.json()["kind"], shown.json()["status"]) == ("complaint", "open")
    assert shown.json()["due_at"] > shown.json()["opened_at"]
    tag = {"if-none-match": f'"x", {shown.headers["etag"]}'}
    assert (await api.get(f"/cases/{reference}", headers=tag)).status_code == 304


async def test_every_case_is_on_one_page(api: ApiDesk) -> None:
    """Newest first, also while new ones come; each filter alone and together."""
    for number in range(5):
        await api.desk.settle(COMPLAINT, sender=f"c{number}@posta.example")
    await api.desk.settle(ORDER, sender="c1@posta.example")
    first = (await api.get("/cases", params={"limit": 4})).json()
    await api.desk.settle(COMPLAINT, sender="late@posta.example")
    rest = (await api.get("/cases", params={"limit": 4, "cursor": first["next"]})).json()
    references = [one["reference"] for one in (*first["items"], *rest["items"])]
    assert (len(references), len(set(references)), rest["next"]) == (6, 6, None)
    for asked, count in (
        ({"kind": "order"}, 1),
        ({"customer": "C1@posta.example"}, 2),
        ({"customer": "c1@posta.example", "kind": "complaint"}, 1),
        ({"owner": "agent@shop.example"}, 6),
        ({"status": "closed"}, 0),
    ):
        assert len((await api.get("/cases", params=asked)).json()["items"]) == count, asked


async def test_a_history_is_read_in_order(api: ApiDesk) -> None:
    """Page by page, as it happened."""
    for _ in range(3):
        await api.desk.settle(COMPLAINT)
    path = f"/cases/{await reference_of(api)}/events"
    first = (await api.get(path, params={"limit": 2})).json()
    rest = (await api.get(path, params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["kind"] for one in (*first["items"], *rest["items"])] == ["opened", "appended", "appended"]


async def test_a_complaint_ends_as_a_complaint_can(api: ApiDesk) -> None:
    """It goes on in another case by a merger alone, which takes along what was asked and promised."""
    await api.desk.settle(COMPLAINT)
    path = f"/cases/{await reference_of(api)}"
    tag = {"if-match": (await api.get(path)).headers["etag"]}
    for outcome in ("merged", "ordered", "effected"):
        refused = await api.post(f"{path}/close", {**CLOSING, "outcome": outcome}, headers=tag)
        assert refused.status_code == 409
        assert f"cannot end as {outcome}" in str(problem_of(refused))


async def test_a_case_is_closed_by_who_read_it_last(api: ApiDesk) -> None:
    """Without a tag 428; with an old one 412; closed once, by the name of the token."""
    await api.desk.settle(COMPLAINT)
    reference = await reference_of(api)
    path = f"/cases/{reference}/close"
    assert (await api.post(path, CLOSING)).status_code == 428
    read = await api.get(f"/cases/{reference}")
    await api.desk.settle(COMPLAINT)
    old = await api.post(path, CLOSING, headers={"if-match": read.headers["etag"]})
    assert "read it again" in problem_of(old)["detail"]
    tag = {"if-match": (await api.get(f"/cases/{reference}")).headers["etag"]}
    closed = await api.post(path, CLOSING, headers=tag)
    assert (closed.json()["status"], closed.json()["outcome"]) == ("closed", "remedied")
    assert (await api.post(path, CLOSING, headers={"if-match": closed.headers["etag"]})).status_code == 409
    events = (await api.get(f"/cases/{reference}/events")).json()["items"]
    assert (events[-1]["kind"], events[-1]["actor"]) == ("closed", "api:everything")


async def test_a_merged_case_leads_to_the_one_where_it_goes_on(api: ApiDesk) -> None:
    """Its reference stays good: it says that it is closed, and where its owner and dates are to be read."""
    (older, _), (newer, _) = await complain(api.desk, "4711"), await complain(api.desk, "4712")
    first, second = (await case_of(api.desk, older)).reference, (await case_of(api.desk, newer)).reference
    (agent, *_) = await api.desk.rows(t.people, email="agent@shop.example")
    act = await look(api.desk, older, agent)
    await do(api.desk, merge, act, Merger(second), POLICY)
    shown = (await api.get(f"/cases/{first}")).json()
    assert (shown["outcome"], shown["merged_into"]) == ("merged", second)
    assert (await api.get(f"/cases/{second}")).json()["merged_into"] is None


async def test_a_mail_says_what_became_of_it(api: ApiDesk) -> None:
    """In progress, then settled, with the cases that it stands in; unknown is 404."""
    waiting = await api.desk.take()
    assert (await api.get(f"/mails/{waiting}")).json()["settled_at"] is None
    mail_id = await api.desk.settle(COMPLAINT)
    shown = (await api.get(f"/mails/{mail_id}")).json()
    assert (shown["outcome"], shown["settled_by"]) == ("case", "router")
    assert shown["cases"] == [{"reference": await reference_of(api), "role": "opened"}]
    assert (await api.get("/mails/0190a5d0-ac96-774b-bcce-b302099a8057")).status_code == 404


async def test_a_label_is_kept_with_its_maker(api: ApiDesk) -> None:
    """201 for a colleague's word; 409 for somebody whom nobody knows; 404 for no mail."""
    mail_id = await api.desk.settle(NOTHING)
    body = {"intents": ["complaint"], "by": "Agent@shop.example", "blind": True}
    made = await api.post(f"/mails/{mail_id}/labels", body)
    assert (made.status_code, made.json()["by"]) == (201, "agent@shop.example")
    assert [(row.intents, row.is_blind) for row in await api.desk.rows(t.labels)] == [(["complaint"], True)]
    assert (await api.post(f"/mails/{mail_id}/labels", {**body, "by": "x@y.example"})).status_code == 409
    unknown = "/mails/0190a5d0-ac96-774b-bcce-b302099a8057/labels"
    assert (await api.post(unknown, body)).status_code == 404


async def test_an_order_is_confirmed_by_its_system(api: ApiDesk) -> None:
    """The case closes as ordered; a complaint is no order."""
    await api.desk.settle(ORDER)
    path = f"/orders/{await reference_of(api, CaseKind.ORDER)}/received"
    assert (await api.post(path, {"evidence": "SO-1"})).json()["outcome"] == "ordered"
    assert (await api.post(path, {"evidence": "SO-1"})).status_code == 200
    await api.desk.settle(COMPLAINT)
    assert (await api.post(f"/orders/{await reference_of(api)}/received", {"evidence": "x"})).status_code == 404
