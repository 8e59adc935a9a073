"""``itaca cases``: look at cases, and close them with an outcome."""

import random
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy import Connection

from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.output import local, print_json, print_table
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.storage.cases import CaseLine, close_case, evidence_of, find_case, history, list_cases
from itaca.storage.moments import from_micros

app = typer.Typer(help="Look at cases, and close them with an outcome.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line for each.")]


@app.command("list", epilog="Example: itaca cases list --kind complaint")
def list_(
    kind: Annotated[CaseKind | None, typer.Option(help="Only this kind.")] = None,
    owner: Annotated[str, typer.Option(help="Only cases of the person with this address.")] = "",
    closed: Annotated[bool, typer.Option("--closed", help="Closed cases instead of open ones.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, what breaks first on top."""
    lines = read_ledger(
        lambda conn: list_cases(conn, kind=kind, owner_email=owner.lower(), is_open=not closed, limit=limit)
    )
    if as_json:
        for line in lines:
            print_json(asdict(line))
        return
    # A reference is copied and an owner is called: neither may be cut short on a narrow terminal.
    whole = [Column(name, no_wrap=True) for name in ("reference", "kind", "owner")]
    table = Table(*whole, "customer", "due", "level", "contacts", "severity", box=None)
    for line in lines:
        table.add_row(
            line.reference,
            line.kind.value,
            line.owner,
            line.customer,
            local(line.due_at),
            str(line.level),
            str(line.contacts),
            str(line.severity),
        )
    if lines:
        print_table(table)
    else:
        print("No such cases.")


@app.command("show", epilog="Example: itaca cases show IT-7K3F9-0AB2C")
def show(
    reference: Annotated[str, typer.Argument(help="The case's reference.")],
    as_json: Annotated[bool, typer.Option("--json", help="The case as one JSON object.")] = False,
) -> None:
    """Show one case: owner, dates, history and evidence."""

    def work(conn: Connection) -> tuple[CaseLine, list[dict[str, object]], list[dict[str, object]]]:
        case = find_case(conn, reference)
        events = [{**event._mapping, "at": from_micros(event.at)} for event in history(conn, case.id)]
        return case, events, [dict(file._mapping) for file in evidence_of(conn, case.id)]

    case, events, files = read_ledger(work)
    if as_json:
        print_json({**asdict(case), "history": events, "evidence": files})
        return
    print(f"{case.reference}  {case.kind.value}, {case.outcome or case.status}")
    print(f"  owner     {case.owner}")
    print(f"  customer  {case.customer}")
    print(f"  opened    {local(case.opened_at)}")
    print(f"  due       {local(case.due_at)}")
    print(f"  severity  {case.severity}, level {case.level}, contacts {case.contacts}")
    for event in events:
        print(f"  {local(event['at'])}  {event['kind']}  {_words(event['detail'])}")  # type: ignore[arg-type]
    for file in files:
        print(f"  evidence  {file['name']}  {file['size_bytes']} bytes  sha256 {file['sha256']}")


@app.command(
    "close", epilog='Example: itaca cases close IT-7K3F9-0AB2C remedied --evidence "refund 4711 of 12 March"'
)
def close(
    reference: Annotated[str, typer.Argument(help="The case's reference.")],
    outcome: Annotated[CaseOutcome, typer.Argument(help="How it ended.")],
    evidence: Annotated[str, typer.Option(help="What proves it.", prompt="What proves it")],
) -> None:
    """Close a case with its outcome and what proves it; its open promise is kept by that."""

    def work(conn: Connection) -> bool:
        case = find_case(conn, reference)
        return close_case(conn, case.id, outcome, evidence, datetime.now(UTC), random.Random(), "command line")

    if not write_ledger(work):
        typer.echo(f"{reference} is closed already", err=True)
        raise typer.Exit(1)
    print(f"{reference} is closed: {outcome.value}.")


def _words(detail: object) -> str:
    if not isinstance(detail, dict):
        return ""
    parts = [", ".join(value) if isinstance(value, list) else str(value) for value in detail.values() if value]
    return "; ".join(parts)
