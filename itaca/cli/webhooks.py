"""``itaca webhooks``: which systems are told what, and what was tried."""

import random
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.output import local, print_json, print_table
from itaca.storage.webhooks import (
    WebhookEvent,
    add_webhook,
    end_webhook,
    list_deliveries,
    list_webhooks,
    redeliver,
)

app = typer.Typer(help="Subscribe other systems to events, and see what was delivered.", no_args_is_help=True)
WebhookId = Annotated[str, typer.Argument(help="Id of the subscription.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line for each.")]


@app.command("add", epilog="Example: itaca webhooks add https://crm.example/itaca --event case.opened")
def add(
    url: Annotated[str, typer.Argument(help="Where events go: https://...")],
    event: Annotated[list[WebhookEvent], typer.Option(help="What is told; may be repeated.")],
) -> None:
    """Subscribe; print the id, and the secret that verifies signatures, this once."""
    if not url.startswith(("https://", "http://")):
        raise typer.BadParameter("must begin with https:// (or http://)", param_hint="URL")
    now = datetime.now(UTC)
    made = write_ledger(lambda conn: add_webhook(conn, url, set(event), now, random.Random()))
    print(f"{made.id}\n{made.secret}")


@app.command("list", epilog="Example: itaca webhooks list --json")
def list_(as_json: AsJson = False) -> None:
    """List the subscriptions, those that ended too."""
    table = Table("id", "url", "events", "ended", box=None)
    for one in read_ledger(list_webhooks):
        events = sorted(event.value for event in one.events)
        if as_json:
            print_json({"id": one.id, "url": one.url, "events": events, "ended_because": one.ended_because})
        table.add_row(one.id, one.url, " ".join(events), one.ended_because or "-")
    if not as_json:
        print_table(table)


@app.command("remove", epilog="Example: itaca webhooks remove 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def remove(webhook_id: WebhookId) -> None:
    """End a subscription; its log stays."""
    now = datetime.now(UTC)
    if not write_ledger(lambda conn: end_webhook(conn, webhook_id, "ended by hand", now)):
        print("no subscription that stands has this id")
        raise typer.Exit(1)
    print(f"{webhook_id} is told nothing more.")


@app.command("deliveries", epilog="Example: itaca webhooks deliveries 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was tried, the newest first."""
    found = read_ledger(lambda conn: list_deliveries(conn, webhook_id, limit=limit))
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
