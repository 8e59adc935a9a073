"""The pages of other systems in the system's Chromium: nobody shut out, nothing too wide, no script needed."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from itaca.storage import tables as t
from itaca.storage.deliveries import Delivery, log_delivery
from tests.support.case_facts import judgement
from tests.support.chromium import Visit, visit
from tests.support.desk_site import Site, letter

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
CRM = "https://crm.bottega.example/itaca/eventi?chiave=7c1e0b54-4f4e-4c8b-9a3e-1e5f5b1f2a00"


async def serious(one: Visit) -> list[str]:
    """Return what axe-core finds serious on the page as it stands, opened wherever it can be opened."""
    await one.page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
    found = await Axe().run(one.page, options=RULES)
    return [
        f"{one.page.url}: {violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


async def attempted(site: Site, webhook_id: str, status: int | None, problem: str) -> None:
    """Be a courier that tried once."""
    entry = (await site.routed.rows(t.outbox, kind="webhook"))[-1]
    now = site.ledger.clock.now()
    one = Delivery(site.ledger.new_id(), webhook_id, entry.id, "e", "case.opened", now, status, 140, problem)
    await site.ledger.database.write(lambda c: log_delivery(c, one))


async def test_a_system_is_connected_and_looked_after(site: Site, browser: Browser) -> None:
    """Added, tested and paused on a phone without a script; the log in the dark; accessible throughout."""
    async with visit(browser, site, "Paolo Conti", is_phone=True, has_javascript=False) as paolo:
        await paolo.page.click("nav >> text=Sistemi")
        await paolo.page.fill("input[name=url]", CRM)
        await paolo.page.check("input[value='case.opened']")
        await paolo.page.click("text=Aggiungi")
        assert "whsec_" in await paolo.text(".good")
        await site.receive(letter("Pacco", "È rotto.", "n@posta.example"), judgement("N", "Y"))
        (hook,) = await site.routed.rows(t.webhooks)
        await attempted(site, hook.id, 503, "the webhook answered 503")
        await attempted(site, hook.id, None, "the webhook does not answer (ConnectError)")
        await attempted(site, hook.id, 200, "")
        await paolo.go(f"/webhooks/{hook.id}")
        await paolo.page.click("text=Metti in pausa")
        said = await paolo.text()
        assert all(words in said for words in ("in pausa dal", "non è raggiungibile", "503", "Invia di nuovo"))
    found = []
    for look in ({"is_phone": True}, {"is_dark": True, "language": "en-GB"}):
        async with visit(browser, site, "Paolo Conti", **look) as paolo:
            for path in ("/webhooks", f"/webhooks/{hook.id}"):
                await paolo.go(path)
                found += await serious(paolo)
                width = await paolo.page.evaluate("document.documentElement.scrollWidth")
                assert (path, width) == (path, 360 if "is_phone" in look else 1280)
    assert found == []
