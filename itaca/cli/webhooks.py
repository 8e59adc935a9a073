"""``itaca webhooks``: which systems are told what, and what was tried."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Connection

from itaca.cli.ledger import read_ledger, shared_settings, write_ledger
from itaca.cli.output import local, print_json, print_table
from itaca.errors import PermanentError
from itaca.keys import open_keyring
from itaca.storage.deliveries import Delivery, list_deliveries, redeliver, send_test
from itaca.storage.webhook_secrets import keyring_here, seal_anew
from itaca.storage.webhooks import (
    NONE_STANDS,
    Webhook,
    WebhookEvent,
    add_webhook,
    end_webhook,
    is_receiver,
    list_webhooks,
    load_webhook,
    pause_webhook,
    resume_webhook,
    rotate_secret,
)

app = typer.Typer(help="Subscribe other systems to events, and see what was delivered.", no_args_is_help=True)
WebhookId = Annotated[str, typer.Argument(help="Id of the subscription.")]
_LISTED = "`itaca webhooks list` shows all"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line for each.")]


@app.command("add", epilog="Example: itaca webhooks add https://crm.example/itaca --event case.opened")
def add(
    url: Annotated[str, typer.Argument(help="Where events go: https://...")],
    event: Annotated[list[WebhookEvent], typer.Option(help="What is told; may be repeated.")],
) -> None:
    """Subscribe; print the id, and the secret that verifies signatures, this once."""
    if not is_receiver(url):
        raise typer.BadParameter("write an address such as https://crm.example/itaca", param_hint="URL")
    now, settings = datetime.now(UTC), shared_settings()

    def work(conn: Connection) -> tuple[Webhook, str]:
        return add_webhook(conn, url, set(event), now, random.Random(), keyring_here(conn, settings))

    made, secret = write_ledger(work)
    print(f"{made.id}\n{secret}")


@app.command("list", epilog="Example: itaca webhooks list --json")
def list_(as_json: AsJson = False) -> None:
    """List the subscriptions, those that ended too."""
    table = Table("id", "url", "events", "paused", "ended", box=None)
    for one in read_ledger(list_webhooks):
        events = sorted(event.value for event in one.events)
        if as_json:
            print_json(
                {
                    "id": one.id,
                    "url": one.url,
                    "events": events,
                    "paused_at": one.paused_at,
                    "ended_because": one.ended_because,
                }
            )
        table.add_row(one.id, one.url, " ".join(events), local(one.paused_at), one.ended_because or "-")
    if not as_json:
        print_table(table)


@app.command("remove", epilog="Example: itaca webhooks remove 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def remove(webhook_id: WebhookId) -> None:
    """End a subscription; its log stays."""
    now = datetime.now(UTC)
    if not write_ledger(lambda conn: end_webhook(conn, webhook_id, "ended by hand", now)):
        raise PermanentError(f"{NONE_STANDS}; {_LISTED}")
    print(f"{webhook_id} is told nothing more.")


@app.command("pause", epilog="Example: itaca webhooks pause 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def pause(webhook_id: WebhookId) -> None:
    """Send nothing more until it is resumed; what happens meanwhile waits."""
    _say(write_ledger(lambda conn: pause_webhook(conn, webhook_id, datetime.now(UTC))), "is paused.", webhook_id)


@app.command("resume", epilog="Example: itaca webhooks resume 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def resume(webhook_id: WebhookId) -> None:
    """Send again, at once what has waited."""
    _say(write_ledger(lambda conn: resume_webhook(conn, webhook_id, datetime.now(UTC))), "is told again.", webhook_id)


def _say(is_done: bool, what: str, webhook_id: str) -> None:
    if not is_done:
        raise PermanentError(f"{NONE_STANDS}, or it is so already; {_LISTED}")
    print(f"{webhook_id} {what}")


@app.command("rotate", epilog="Example: itaca webhooks rotate 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def rotate(webhook_id: WebhookId) -> None:
    """Make a new secret and print it, this once; the old one signs beside it for a day."""
    now, settings = datetime.now(UTC), shared_settings()
    print(write_ledger(lambda conn: rotate_secret(conn, webhook_id, now, keyring_here(conn, settings))))


@app.command("reseal", epilog="Example: itaca webhooks reseal")
def reseal() -> None:
    """Seal all secrets by the newest key of ITACA_SECRET_KEY, so that an older one can be taken away."""
    settings = shared_settings()
    changed = write_ledger(lambda conn: seal_anew(conn, open_keyring(settings, makes=False)))
    print(f"sealed {changed}")


@app.command("test", epilog="Example: itaca webhooks test 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def test(webhook_id: WebhookId) -> None:
    """Let the courier send an event that says nothing; `itaca webhooks deliveries` shows what was answered."""
    write_ledger(lambda conn: send_test(conn, webhook_id, datetime.now(UTC), random.Random()))
    print("the courier sends it.")


@app.command("deliveries", epilog="Example: itaca webhooks deliveries 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was tried, the newest first."""

    def work(conn: Connection) -> Sequence[Delivery]:
        if load_webhook(conn, webhook_id) is None:
            raise PermanentError(f"no subscription has this id; {_LISTED}")
        return list_deliveries(conn, webhook_id, limit=limit)

    found = read_ledger(work)
    table = Table("id", "at", "event", "status", "ms", "problem", box=None)
    for one in found:
        if as_json:
            row = {"id": one.id, "at": one.at, "event": one.event, "event_id": one.event_id}
            print_json({**row, "status": one.status, "milliseconds": one.milliseconds, "problem": one.problem})
        table.add_row(
            one.id, local(one.at, seconds=True), one.event, str(one.status or "-"), str(one.milliseconds), one.problem
        )
    if not as_json:
        print_table(table)


@app.command(
    "redeliver",
    epilog="Example: itaca webhooks redeliver 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11 "
    "019e9f30-77aa-7c51-8d02-5f6b1b2a9d10",
)
def redeliver_(
    webhook_id: WebhookId, delivery_id: Annotated[str, typer.Argument(help="Id of an attempt in the log.")]
) -> None:
    """Send the event of an attempt once more, with the same id."""
    now = datetime.now(UTC)
    write_ledger(lambda conn: redeliver(conn, webhook_id, delivery_id, now, random.Random()))
    print("the courier sends it again.")
