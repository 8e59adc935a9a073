"""``itaca cases``: look at cases, and close them with an outcome."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy import Connection

from itaca.cases.closing import check_end
from itaca.cases.policy import company_policy
from itaca.cli.days import day_of
from itaca.cli.ledger import read_ledger, shared_settings, write_ledger
from itaca.cli.output import local, print_json, print_table
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.errors import PermanentError
from itaca.storage.asks import Ask, question_check, tick, tick_all
from itaca.storage.cases import CaseLine, close_case, evidence_of, find_case, history, list_cases
from itaca.storage.legal_clocks import LegalLine, legal_lines
from itaca.storage.moments import from_micros
from itaca.storage.parkings import Parking, park, parking_of, unpark

app = typer.Typer(help="Look at cases, and close them with an outcome.", no_args_is_help=True)
ACTOR = "command line"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line for each.")]


@dataclass(frozen=True)
class Clocks:
    """What stands beside a case's own date: parking, legal terms, and open questions."""

    parked: Parking | None
    legal: list[LegalLine]
    asks: Sequence[Ask]


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
    """Show one case: owner, the company's date and the law's, what is asked, history and evidence."""
    law = company_policy(shared_settings()).law

    def work(conn: Connection) -> tuple[CaseLine, Clocks, list[dict[str, object]], list[dict[str, object]]]:
        case = find_case(conn, reference)
        clocks = Clocks(
            parking_of(conn, case.id), legal_lines(conn, case.id, law), question_check(conn, case.id).asks
        )
        events = [{**event._mapping, "at": from_micros(event.at)} for event in history(conn, case.id)]
        return case, clocks, events, [dict(file._mapping) for file in evidence_of(conn, case.id)]

    case, clocks, events, files = read_ledger(work)
    if as_json:
        print_json({**asdict(case), **asdict(clocks), "history": events, "evidence": files})
        return
    print(f"{case.reference}  {case.kind.value}, {case.outcome or case.status}")
    print(f"  owner     {case.owner}")
    print(f"  customer  {case.customer}")
    print(f"  opened    {local(case.opened_at)}")
    print(f"  due       {local(case.due_at)}")
    for line in clocks.legal:
        print(f"  by law    {local(line.due_at)}  {line.state}, {line.rule}: {line.says}")
    if clocks.parked:
        print(f"  parked    until {local(clocks.parked.until)}: {clocks.parked.says}")
    for number, ask in enumerate(clocks.asks, 1):
        print(f"  asks {number:<4} {ask.says}")
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
    answered: Annotated[str, typer.Option(help="How every question still open was answered; none: refused.")] = "",
) -> None:
    """Close a case with its outcome and what proves it; its open promise is kept by that.

    It is refused while something that the customer asked is open: `itaca cases show` lists it.
    """

    def work(conn: Connection) -> bool:
        case, now, rng = find_case(conn, reference), datetime.now(UTC), random.Random()
        check_end(case.kind, outcome, evidence)
        if answered:
            tick_all(conn, case.id, answered, now, rng, ACTOR)
        return close_case(conn, case.id, outcome, evidence, now, rng, ACTOR)

    if not write_ledger(work):
        typer.echo(f"{reference} is closed already", err=True)
        raise typer.Exit(1)
    print(f"{reference} is closed: {outcome.value}.")


@app.command("tick", epilog='Example: itaca cases tick IT-7K3F9-0AB2C 1 --how "refund of 12 March"')
def tick_(
    reference: Annotated[str, typer.Argument(help="The case's reference.")],
    number: Annotated[int, typer.Argument(help="Which question, as `itaca cases show` numbers them.", min=1)],
    how: Annotated[str, typer.Option(help="How it was answered, or why it is none.", prompt="How")],
) -> None:
    """Say how one of the customer's questions was answered."""

    def work(conn: Connection) -> int:
        case = find_case(conn, reference)
        asks = question_check(conn, case.id).asks
        if number > len(asks):
            raise PermanentError(f"{reference} has {len(asks)} open questions")
        return tick(conn, case.id, [asks[number - 1].id], how, datetime.now(UTC), random.Random(), ACTOR)

    write_ledger(work)
    print(f"{reference}: question {number} is answered.")


@app.command("park", epilog='Example: itaca cases park IT-7K3F9-0AB2C 2026-03-20 --why "a photo is to come"')
def park_(
    reference: Annotated[str, typer.Argument(help="The case's reference.")],
    until: Annotated[str, typer.Argument(help="Day on which it is taken up again, YYYY-MM-DD.")],
    why: Annotated[str, typer.Option(help="What it waits for.", prompt="Why")],
) -> None:
    """Stop the company's clock of a case until a day; the legal one runs on."""
    policy = company_policy(shared_settings())
    resumes = policy.calendar.start_of(day_of(until))

    def work(conn: Connection) -> datetime:
        case = find_case(conn, reference)
        return park(conn, case.id, resumes, why, policy, datetime.now(UTC), random.Random(), ACTOR)

    print(f"{reference} is parked; its date is {local(write_ledger(work))} now.")


@app.command("resume", epilog="Example: itaca cases resume IT-7K3F9-0AB2C")
def resume_(reference: Annotated[str, typer.Argument(help="The case's reference.")]) -> None:
    """Take up a parked case again."""
    policy = company_policy(shared_settings())

    def work(conn: Connection) -> datetime | None:
        case = find_case(conn, reference)
        return unpark(conn, case.id, policy, datetime.now(UTC), random.Random(), ACTOR)

    due = write_ledger(work)
    if due is None:
        typer.echo(f"{reference} is not parked", err=True)
        raise typer.Exit(1)
    print(f"{reference} is taken up again; its date is {local(due)}.")


def _words(detail: object) -> str:
    if not isinstance(detail, dict):
        return ""
    parts = [", ".join(value) if isinstance(value, list) else str(value) for value in detail.values() if value]
    return "; ".join(parts)
