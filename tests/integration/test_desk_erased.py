"""The pages of a customer who was erased: they open, say so, and hold no word of what was there."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from itaca.storage import tables as t
from itaca.storage.erasure import Order, erase_customer
from tests.support import personal
from tests.support.desk_site import Site, open_site
from tests.support.desk_web import sign_in
from tests.support.personal import WORD


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a desk whose one customer was erased."""
    async with open_site(tmp_path) as opened:
        desk = opened.routed
        await desk.staff("agent", "lead")
        customer_id = await personal.live(desk)
        order = Order(opened.ledger.new_id(), desk.now, "agent", "letter of 9 March", b"s" * 32)
        await opened.ledger.database.write(lambda c: erase_customer(c, customer_id, order))
        yield opened


async def test_every_page_of_an_erased_customer_opens(site: Site) -> None:
    """Case, customer, register and lists answer; each mail says that it was erased, and cannot be fetched."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        await sign_in(web, "Giulia Ferri")
        cases = await site.routed.cases()
        paths = [f"/cases/{case.reference}" for case in cases]
        paths += [f"/customers/{cases[0].customer_id}", "/cancellations", "/cases?status=closed", "/", "/value"]
        for path in paths:
            answer = await web.get(path, follow_redirects=True)
            assert answer.status_code == 200, path
            assert WORD.lower() not in answer.text.lower(), path
        shown = (await web.get(paths[0])).text
        assert "cancellato: lo ha chiesto il cliente" in shown or "was erased, as the customer asked" in shown
        (mail, *_) = await site.routed.rows(t.mails)
        for what in ("original", "html", "files/0", "files/0/picture"):
            assert (await web.get(f"/mails/{mail.id}/{what}")).status_code == 404
