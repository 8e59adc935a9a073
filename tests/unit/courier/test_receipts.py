"""The acknowledgement of a cancellation names its signed receipt, where customers can reach one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId, OutboxId
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.letters import Context, load_context
from services.courier.messages import Letters
from services.courier.receipts import Receipts
from tests.support.ledger import open_ledger
from tests.support.routed import CANCELLATION, COMPLAINT, Desk

URL = "https://ricevute.shop.example/"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a ledger with a cancellation and a complaint of one customer."""
    async with open_ledger("sqlite://") as ledger:
        made = Desk(ledger)
        await made.staff("agent")
        await made.settle(CANCELLATION)
        await made.settle(COMPLAINT)
        yield made


async def context(desk: Desk, folder: Path, url: str = URL) -> Context:
    """Return what a letter about both cases is made of."""
    cases = [CaseId(case.id) for case in await desk.cases()]
    mail_id = MailId((await desk.cases())[0].opened_by)
    plain = await desk.ledger.database.read(lambda c: load_context(c, mail_id, cases))
    settings = load(SharedSettings, {"ITACA_DATA_DIR": str(folder), "ITACA_RECEIPTS_URL": url})
    return await Receipts(desk.ledger.database, settings).named(plain, desk.now)


async def test_a_cancellation_names_its_receipt(desk: Desk, tmp_path: Path) -> None:
    """One link, by the token in the ledger, the same in every letter; a complaint has none."""
    found = await context(desk, tmp_path)
    (row,) = await desk.rows(t.receipts)
    assert [matter.receipt for matter in found.matters] == [f"{URL}receipts/{row.token}", ""]
    assert await context(desk, tmp_path) == found
    letters = Letters("Servizio Clienti", "", "", Policy().calendar.zone)
    letter = letters.acknowledgement(OutboxId("entry"), "anna@posta.example", found, desk.now)
    assert f"La ricevuta firmata: {URL}receipts/{row.token}" in letter.get_content()


async def test_without_an_address_for_customers_there_is_no_link(desk: Desk, tmp_path: Path) -> None:
    """Nothing is signed and no key is made."""
    found = await context(desk, tmp_path, url="")
    assert [matter.receipt for matter in found.matters] == ["", ""]
    assert list(tmp_path.iterdir()) == []


async def test_a_key_that_cannot_be_read_costs_the_receipt_and_not_the_letter(desk: Desk, tmp_path: Path) -> None:
    """The customer must have the reference in any case."""
    (tmp_path / "receipts.key").write_text("rubbish")
    found = await context(desk, tmp_path)
    assert [matter.receipt for matter in found.matters] == ["", ""]
