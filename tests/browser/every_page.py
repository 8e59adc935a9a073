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
from itaca.storage.webhooks import WebhookEvent, add_webhook
from tests.browser.scenes import DARIO, LIA, cancelled, play, scored, violated
from tests.support.desk_site import Site

NO_PAGES = frozenset(
    {
        "/live",
        "/cases/{reference}/news",
        "/letters/{letter_id}/files/{position}",
        "/mails/{mail_id}/html",
        "/mails/{mail_id}/original",
        "/mails/{mail_id}/files/{position}",
        "/mails/{mail_id}/files/{position}/picture",
        "/receipts/{token}.json",
    }
)
"""What a page takes in, or what is saved."""
ALSO = ("/cases?q=nobody", "/review?blind=true", "/cancellations?show=violated", "/value?by=team&days=28", "/nowhere")
"""Other looks of the same pages."""
FOR_GUESTS = ("/sign-in", "/invite/{secret}", "/receipts/{token}")


async def everything(site: Site) -> tuple[list[str], list[str]]:
    """Let a day pass and return the addresses of all pages: those for guests, and those for who is signed in.

    Raises:
        KeyError: a page needs something in its address that nobody here has made.
    """
    refs = await play(site)
    await violated(site, await cancelled(site, *DARIO))
    await cancelled(site, *LIA)
    await scored(site)
    known = await site.ledger.database.write(lambda c: _known(c, site, refs["roban"]))
    routes = [one.path for one in site.stage.app.routes if isinstance(one, Route) and "GET" in (one.methods or ())]
    pages = [path for path in routes if path not in NO_PAGES]
    inside = [path.format(**known) for path in pages if path not in FOR_GUESTS]
    return [path.format(**known) for path in FOR_GUESTS], [*inside, f"/cases/{refs['dario']}", *ALSO]


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
    tried = Delivery(uuid7(now, rng), made.id, entry, "prova", "case.closed", now, 503, 240, "answered 503")
    log_delivery(c, tried)
    return made.id
