"""``itaca tokens``: what other systems show to use the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.output import local, print_json, print_table
from itaca.storage.tokens import Scope, Token, add_token, list_tokens, revoke_token

app = typer.Typer(help="Add, list and revoke the tokens by which other systems use the API.", no_args_is_help=True)


@app.command("add", epilog="Example: itaca tokens add billing --scope activities:write --scope suppressions:read")
def add(
    name: Annotated[str, typer.Argument(help="The system that will use it, as histories name it.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be repeated.")],
    days: Annotated[int | None, typer.Option(help="Days it is valid for; none: until revoked.", min=1)] = None,
) -> None:
    """Make a token and print it, this once: the ledger keeps only a digest of it."""
    now = datetime.now(UTC)
    expires_at = None if days is None else now + timedelta(days=days)
    print(write_ledger(lambda conn: add_token(conn, name, set(scope), now, expires_at)))


@app.command("list", epilog="Example: itaca tokens list --json")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each token.")] = False) -> None:
    """List all tokens with what they may do; the tokens themselves cannot be read again."""
    tokens = read_ledger(list_tokens)
    if as_json:
        for token in tokens:
            print_json(_row(token))
        return
    table = Table("name", "may", "made", "expires", "revoked", box=None)
    for token in tokens:
        may = " ".join(sorted(token.scopes))
        table.add_row(token.name, may, local(token.created_at), local(token.expires_at), local(token.revoked_at))
    print_table(table)


@app.command("revoke", epilog="Example: itaca tokens revoke billing")
def revoke(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """End a token for ever; the API refuses it within seconds."""
    now = datetime.now(UTC)
    is_new = write_ledger(lambda conn: revoke_token(conn, name, now))
    print(f"{name} is revoked." if is_new else f"{name} was revoked before.")


def _row(token: Token) -> dict[str, object]:
    return {
        "name": token.name,
        "scopes": sorted(scope.value for scope in token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
