"""Receipts: signed once, verified by anybody, showing nothing beyond themselves."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update

from itaca.errors import ConfigurationError
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.receipts import KEY_FILE, open_signer
from tests.support.api import ApiDesk
from tests.support.routed import CANCELLATION, COMPLAINT


async def receipt(api: ApiDesk) -> dict[str, str]:
    """Let Anna cancel and return her receipt."""
    await api.desk.settle(CANCELLATION, "Disdico, firmato Anna")
    (case,) = await api.desk.cases()
    response = await api.get(f"/cancellations/{case.reference}/receipt")
    assert response.status_code == 200
    body: dict[str, str] = response.json()
    return body


async def page(api: ApiDesk, path: str, language: str = "") -> tuple[int, str]:
    client = await api.as_("")
    shown = await client.get(f"http://itaca.example/receipts/{path}", headers={"accept-language": language})
    return shown.status_code, shown.text


async def test_a_receipt_is_verified_without_us(api: ApiDesk) -> None:
    """Document, signature and public key are enough; asked again it is the same, to the byte."""
    first = await receipt(api)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(first["public_key"]))
    key.verify(base64.b64decode(first["signature"]), first["document"].encode())
    await api.desk.pass_time(days=3)
    (case,) = await api.desk.cases()
    assert (await api.get(f"/cancellations/{case.reference}/receipt")).json() == first
    assert json.loads(first["document"])["reference"] == case.reference
    await api.desk.settle(COMPLAINT, sender="b@posta.example")
    complaint = (await api.desk.cases())[1]
    assert (await api.get(f"/cancellations/{complaint.reference}/receipt")).status_code == 404


async def test_its_page_is_public_and_says_no_more(api: ApiDesk) -> None:
    """Reference and dates, in the reader's language; no address, no words of the customer, no owner."""
    found = await receipt(api)
    status, shown = await page(api, found["token"], "fr-FR,en;q=0.8")
    (case,) = await api.desk.cases()
    assert (status, "authentique" in shown, case.reference in shown) == (200, True, True)
    for secret in ("anna", "Disdico", "agent", "posta.example"):
        assert secret not in shown
    assert "La ricevuta è autentica" in (await page(api, found["token"], "ja"))[1]
    _, document = await page(api, f"{found['token']}.json")
    assert json.loads(document) == {name: found[name] for name in ("document", "signature", "public_key")}


@pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 500, "..%2Fx", "%C3%A0", "x.json"])
async def test_a_token_that_is_none_finds_nothing(api: ApiDesk, token: str) -> None:
    """404, whatever it looks like."""
    await receipt(api)
    assert (await page(api, token))[0] == 404


async def test_a_forged_receipt_is_called_so(api: ApiDesk) -> None:
    """One changed date in the document, and the page says that the signature is wrong and shows no date."""
    found = await receipt(api)
    forged = found["document"].replace("2026-", "2025-")
    change = update(t.receipts).values(document=forged)
    await api.desk.ledger.database.write(lambda c: c.execute(change))
    _, shown = await page(api, found["token"], "en")
    assert "not genuine" in shown
    assert "Takes effect" not in shown


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The same key at every start, readable by nobody else; another one by the setting; rubbish is refused."""
    settings = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
    assert open_signer(settings).public_key == open_signer(settings).public_key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]
    given = base64.b64encode(b"7" * 32).decode()
    other = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path), "ITACA_RECEIPT_KEY": given})
    assert open_signer(other).public_key != open_signer(settings).public_key
    for rubbish in ("x", "", given[:-8]):
        wrong = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path), "ITACA_RECEIPT_KEY": rubbish})
        with pytest.raises(ConfigurationError, match="ITACA_RECEIPT_KEY: no key"):
            open_signer(wrong)
