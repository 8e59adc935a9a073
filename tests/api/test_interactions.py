"""Contacts by other ways: kept as evidence, routed and measured as mails are."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import Envelope
from itaca.mail.read import read_mail
from itaca.storage import tables as t
from itaca.storage.mails import load_raw
from services.desk.api.sizes import MOST_BYTES
from tests.support.api import ApiDesk, problem_of
from tests.support.routed import CANCELLATION, COMPLAINT, customer_code

SCREENSHOT = b"\x89PNG\r\n\x1a\n a screenshot"


def call(api: ApiDesk, **more: Any) -> dict[str, Any]:
    known = {"channel": "call", "at": api.desk.now.isoformat(), "summary": "Chiede dove sono i libri."}
    return {**known, "email": "anna@posta.example", **more}


async def test_a_call_is_a_contact_on_the_open_complaint(api: ApiDesk) -> None:
    """Second contact: the lead knows, exactly as after a second mail."""
    await api.desk.settle(COMPLAINT)
    done = await api.post("/interactions", call(api, intents=["complaint"]))
    (case,) = await api.desk.cases()
    assert (done.status_code, done.json()["outcome"]) == (201, "case")
    assert done.json()["references"] == [case.reference]
    assert (case.contacts, case.level) == (2, 1)
    assert "lead@shop.example" in await api.desk.told(case.id, "appended")
    recorded = (await api.desk.rows(t.interactions, channel="call"))[0]
    assert (recorded.direction, recorded.mail_id) == ("in", done.json()["mail_id"])
    assert await api.desk.problems() == []


async def test_a_call_about_a_case_needs_no_more_than_its_reference(api: ApiDesk) -> None:
    """Whose case it is tells who rang and what about; it counts as one more contact."""
    await api.desk.settle(COMPLAINT)
    (case,) = await api.desk.cases()
    done = await api.post("/interactions", call(api, email="", reference=case.reference.lower()))
    (case,) = await api.desk.cases()
    assert (done.json()["references"], case.contacts) == ([case.reference], 2)


async def test_a_cancellation_in_the_shop_has_its_receipt_and_its_date(api: ApiDesk) -> None:
    """A case, a promise, a hand-over and the acknowledgement to the address that was given."""
    visit = call(api, channel="visit", summary="Disdice l'abbonamento.", intents=["cancellation"], language="it")
    done = await api.post("/interactions", visit)
    (case,) = await api.desk.cases(CaseKind.CANCELLATION)
    assert done.json()["references"] == [case.reference]
    assert [c.state for c in await api.desk.rows(t.cancellations)] == ["requested"]
    kinds = {row.kind: row.recipient for row in await api.desk.rows(t.outbox)}
    assert kinds["acknowledgement"] == "anna@posta.example"
    assert "cancellation_handoff" in kinds
    silent = call(api, email="b@posta.example", intents=["cancellation"], acknowledge=False)
    await api.post("/interactions", silent)
    assert len(await api.desk.rows(t.outbox, kind="acknowledgement")) == 1


async def test_a_protest_by_phone_is_held_against_the_cancellation(api: ApiDesk) -> None:
    """A watched cancellation and a call that protests: violated, as by a mail."""
    await api.desk.settle(CANCELLATION)
    (case,) = await api.desk.cases()
    body = {"effected_at": api.desk.now.isoformat(), "evidence": "7"}
    await api.post(f"/cancellations/{case.reference}/effected", body)
    await api.desk.pass_time(days=2)
    said = "Ho disdetto e mi avete addebitato ancora."
    await api.post("/interactions", call(api, summary=said, intents=["complaint"], language="it"))
    (case,) = await api.desk.cases()
    assert (case.status, "violated" in await api.desk.history(case.id)) == ("open", True)


async def test_files_are_evidence_as_they_came(api: ApiDesk) -> None:
    """The screenshot that no channel would take: its hash in the case, its bytes in what is kept."""
    file = {"name": "schermata.png", "content_type": "image/png", "content": base64.b64encode(SCREENSHOT).decode()}
    done = await api.post("/interactions", call(api, channel="chat", intents=["complaint"], files=[file]))
    (kept,) = await api.desk.rows(t.evidence)
    assert (kept.name, kept.sha256) == ("schermata.png", hashlib.sha256(SCREENSHOT).hexdigest())
    mail_id = MailId(done.json()["mail_id"])
    raw = await api.desk.ledger.database.read(lambda c: load_raw(c, mail_id))
    read = read_mail(raw, Envelope(sender="", recipients=()))
    assert (read.attachments[0].sha256, "Chiede dove" in read.new_text) == (kept.sha256, True)


async def test_a_customer_code_is_enough_for_who_is_known(api: ApiDesk) -> None:
    """The code finds the open case; an unknown one without an address is refused."""
    await api.desk.settle(COMPLAINT, "testo", customer_code("K77"))
    done = await api.post("/interactions", call(api, email="", customer="k 77", intents=["complaint"]))
    (case,) = await api.desk.cases()
    assert (done.json()["references"], case.contacts) == ([case.reference], 2)
    refused = await api.post("/interactions", call(api, email="", customer="X1", intents=["complaint"]))
    assert "customer code" in problem_of(refused)["detail"]
    assert (await api.post("/interactions", call(api, reference="IT-00000-00000"))).status_code == 409


async def test_the_same_contact_is_recorded_once(api: ApiDesk) -> None:
    """By its key answered alike; without a key the very same one is refused as known."""
    one = call(api, intents=["complaint"], files=[{"name": "a", "content": ""}])
    keyed = {"headers": {"idempotency-key": "call-1"}}
    first, again = await api.post("/interactions", one, **keyed), await api.post("/interactions", one, **keyed)
    assert (first.json(), again.headers["idempotency-replayed"]) == (again.json(), "true")
    assert "recorded before" in problem_of(await api.post("/interactions", one))["detail"]
    assert [c.contacts for c in await api.desk.cases()] == [1]


async def test_a_call_recorded_late_is_promised_from_now_on(api: ApiDesk) -> None:
    """A promise whose date has passed before it is made could not be kept."""
    late = (api.desk.now - timedelta(days=20)).isoformat()
    done = await api.post("/interactions", call(api, at=late, intents=["complaint"]))
    shown = (await api.get(f"/cases/{done.json()['references'][0]}")).json()
    assert shown["due_at"] > api.desk.now.isoformat()


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
async def test_too_large_a_request_is_refused_early(api: ApiDesk, headers: dict[str, str]) -> None:
    """413, whether its size is claimed or found out."""

    async def chunks() -> Any:
        for _ in range(MOST_BYTES // 1_000_000 + 2):
            yield b" " * 1_000_000

    content = chunks() if headers else b" " * (MOST_BYTES + 1)
    response = await api.client.post("/interactions", content=content, headers=headers)
    assert response.status_code == 413
    assert problem_of(response)["detail"] == "the request is too large"
