"""``itaca trace``: the life of one mail or case."""

from dataclasses import asdict
from typing import Annotated

import typer

from itaca.cli.ledger import read_ledger
from itaca.cli.output import local, print_json
from itaca.storage.trace import life_of

EXAMPLE = "Example: itaca trace IT-7K3F9-0AB2C"


def trace(
    key: Annotated[str, typer.Argument(help="A mail id, a Message-ID or a case reference.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each fact.")] = False,
) -> None:
    """Show everything that happened to one mail or case, in order."""
    facts = read_ledger(lambda conn: life_of(conn, key))
    if not facts:
        typer.echo(f"nothing is known of {key}: give a mail id, a Message-ID or a case reference", err=True)
        raise typer.Exit(1)
    for fact in facts:
        if as_json:
            print_json(asdict(fact))
        else:
            detail = "  ".join(
                f"{name}={value}" for name, value in fact.detail.items() if value not in (None, "", [])
            )
            print(f"{local(fact.at, seconds=True)}  {fact.what:<18} {fact.subject}  {detail}".rstrip())
