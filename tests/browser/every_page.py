"""Every page of the desk with something on it, from the list of its own routes: a new page is visited unasked."""

from datetime import timedelta

from sqlalchemy import Connection
from starlette.routing import Route

from itaca.cases.roles import Role
from itaca.contracts.ids import uuid7
from itaca.storage import tables as t
from itaca.storage.deliveries import Delivery, log_delivery, send_test
from itaca.storage.invitations import invite_person
from itaca.storage.webhook_secrets import keyring_here
from itaca.storage.webhooks import TEST_EVENT, WebhookEvent, add_webhook
from services.desk.site import ROUTERS
from tests.browser.scenes import DARIO, LIA, cancelled, play, scored, violated
from tests.support.desk_site import Site

Addresses = dict[str, str]
"""Where each page stands, by its route."""
NO_PAGES = frozenset(
    {
        "/live",
        "/sign-in/provider",
        "/sign-in/provider/back",
        "/cases/{reference}/news",
        "/letters/{letter_id}/files/{position}",
        "/mails/{mail_id}/html",
        "/mails/{mail_id}/original",
        "/mails/{mail_id}/files/{position}",
        "/mails/{mail_id}/files/{position}/picture",
        "/receipts/{token}.json",
    }
)
"""What a page takes in, what is saved, and steps of signing in elsewhere."""
ALSO = ("/cases?q=nobody", "/review?blind=true", "/cancellations?show=violated", "/value?by=team&days=28", "/nowhere")
"""Other looks of the same pages."""
FOR_GUESTS = ("/sign-in", "/invite/{secret}", "/receipts/{token}")


async def everything(site: Site) -> tuple[Addresses, Addresses]:
    """Let a day pass and return the addresses of all pages: those for guests, and those for who is signed in.

    Raises:
        KeyError: a page needs something in its address that nobody here has made.
    """
    refs = await play(site)
    await violated(site, await cancelled(site, *DARIO))
    await cancelled(site, *LIA)
    await scored(site)
    known = await site.ledger.database.write(lambda c: _known(c, site, refs["roban"]))
    routes = [one for router in (site.stage.app.router, *ROUTERS) for one in router.routes if isinstance(one, Route)]
    paths = [one.path for one in routes if "GET" in (one.methods or ())]
    pages = [path for path in paths if path not in NO_PAGES and path not in FOR_GUESTS]
    inside = {path: path.format(**known) for path in [*pages, *ALSO]}
    inside["/case-with-evidence"] = f"/cases/{refs['dario']}"
    return {path: path.format(**known) for path in FOR_GUESTS}, inside


def _known(c: Connection, site: Site, reference: str) -> dict[str, str]:
    now, rng, anna = site.ledger.clock.now(), site.ledger.rng, site.people["Anna Neri"]
    case = c.execute(t.cases.select().where(t.cases.c.reference == reference)).one()
    return {
        "reference": reference,
        "customer_id": case.customer_id,
        "person_id": anna.id,
        "team_id": anna.team_id,
        "secret": invite_person(c, anna.id, Role.AGENT, now, timedelta(hours=1), rng),
        "token": c.execute(t.receipts.select()).one().token,
        "webhook_id": _webhook(c, site),
    }


def _webhook(c: Connection, site: Site) -> str:
    now, rng = site.ledger.clock.now(), site.ledger.rng
    keyring = keyring_here(c, site.stage.app.state.desk.shared)
    made, _ = add_webhook(c, "https://spedizioni.example/itaca", {WebhookEvent.CASE_CLOSED}, now, rng, keyring)
    entry = send_test(c, made.id, now, rng)
    tried = Delivery(uuid7(now, rng), made.id, entry, "prova", TEST_EVENT, now, 503, 240, "the webhook answered 503")
    log_delivery(c, tried)
    c.execute(t.outbox.update().where(t.outbox.c.id == entry).values(attempts=1))
    return made.id
