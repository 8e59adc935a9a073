"""``itaca customers``: what is held about one customer, a copy of it, and its erasure."""

import json
import random
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from itaca.cli.ledger import read_ledger, shared_settings, write_ledger
from itaca.cli.output import local, print_json
from itaca.contracts.ids import CustomerId, MailId, uuid7
from itaca.errors import PermanentError
from itaca.storage.address import database_url
from itaca.storage.customer_export import export_files, export_index, export_mails
from itaca.storage.erasure import Order, Tombstone, UnderWayError, erase_customer, tombstones
from itaca.storage.erasure_scope import Scope, find_customer, in_parts, load_scope, under_way
from itaca.storage.salted import SALT_BYTES
from itaca.storage.sqlite import empty_log

app = typer.Typer(help="Show, export and erase what is held about a customer.", no_args_is_help=True)
ACTOR = "command line"
_AT_ONCE = 50
Who = Annotated[
    str, typer.Argument(help="An address, a customer code, a contract number, a case reference or a customer's id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("show", epilog="Example: itaca customers show anna@posta.example")
def show(who: Who, as_json: AsJson = False) -> None:
    """Show how a customer is known, how much is held, what is under way, and what was erased."""

    def work(conn: Connection) -> tuple[Scope, list[str], list[Tombstone]]:
        scope = load_scope(conn, find_customer(conn, who))
        return scope, under_way(conn, scope), tombstones(conn, scope.customer_id)

    scope, open_things, stones = read_ledger(work)
    if as_json:
        print_json({**asdict(scope), "under_way": open_things, "erasures": [asdict(stone) for stone in stones]})
        return
    print(f"{scope.customer_id}  {scope.name or '(no name)'}")
    for name, values in (("address", scope.addresses), ("code", [value for _, value in scope.codes])):
        for value in values:
            print(f"  {name:<10} {value}")
    print(f"  held       {len(scope.mails)} mails, {len(scope.cases)} cases")
    for one in open_things:
        print(f"  under way  {one}")
    for stone in stones:
        print(f"  erased     {_told(stone)}")


@app.command("export", epilog="Example: itaca customers export anna@posta.example anna.zip")
def export(
    who: Who,
    to: Annotated[Path, typer.Argument(help="A new folder, or a new file that ends in .zip.")],
) -> None:
    """Copy everything that is held about a customer: index.json, each mail as it came in mails/, and our files."""
    if to.exists():
        raise PermanentError(f"{to} is there already")

    def work(conn: Connection) -> tuple[Scope, dict[str, Any]]:
        scope = load_scope(conn, find_customer(conn, who))
        return scope, export_index(conn, scope)

    scope, index = read_ledger(work)
    files = _files(scope, index)
    count = _into_zip(to, files) if to.suffix == ".zip" else _into_folder(to, files)
    print(f"{to}: {count} files, {len(scope.mails)} mails and {len(scope.cases)} cases in index.json.")


@app.command("erase", epilog='Example: itaca customers erase anna@posta.example --reason "letter of 9 March"')
def erase(
    who: Who,
    reason: Annotated[
        str, typer.Option(help="Who asked for it and when; it stays with the tombstone.", prompt="Why")
    ],
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what is personal about a customer, for ever; what is under way refuses it, and is named.

    The entries in the books stay, without words, and so do salted hashes by which a cancellation is still kept.
    """
    customer_id = read_ledger(lambda conn: find_customer(conn, who))
    if not is_sure:
        typer.confirm(f"Erase everything personal about {who}? Nobody can take it back", abort=True)
    stone = _erase(customer_id, reason)
    _empty_log()
    if as_json:
        print_json(asdict(stone))
    else:
        print(f"Erased: {_told(stone)}")


@app.command("erased", epilog="Example: itaca customers erased --json > erased.jsonl")
def erased(as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each.")] = False) -> None:
    """List all erasures of customers; keep the JSON lines beside the backups, for `erase-again`."""
    for stone in read_ledger(tombstones):
        if as_json:
            print_json(asdict(stone))
        else:
            print(f"{stone.customer_id}  {_told(stone)}")


@app.command("erase-again", epilog="Example: itaca customers erase-again erased.jsonl")
def erase_again(
    file: Annotated[
        Path, typer.Argument(help="What `itaca customers erased --json` printed.", exists=True, dir_okay=False)
    ],
) -> None:
    """Erase, after a backup was restored, whoever had been erased since; the same list again changes nothing.

    Who is under way again in the restored ledger is named, and the exit code is 1: settle it and run this again.
    """
    refused = 0
    for row in _lines(file):
        customer_id, reason = CustomerId(str(row["customer_id"])), str(row["reason"])
        try:
            stone = _erase(customer_id, reason)
        except UnderWayError as error:
            refused += 1
            typer.echo(f"{customer_id}: {error}", err=True)
        except PermanentError as error:
            print(f"{customer_id}  {error}")
        else:
            print(f"{customer_id}  {_told(stone)}")
    _empty_log()
    if refused:
        raise typer.Exit(1)


def _erase(customer_id: CustomerId, reason: str) -> Tombstone:
    now = datetime.now(UTC)
    order = Order(uuid7(now, random.Random()), now, ACTOR, reason, secrets.token_bytes(SALT_BYTES))
    return write_ledger(partial(erase_customer, customer_id=customer_id, order=order))


def _empty_log() -> None:
    """Leave nothing in SQLite's log either; on PostgreSQL that is VACUUM's work (docs/operations.md)."""
    parsed = database_url(shared_settings().ledger_url())
    if parsed.get_backend_name() == "sqlite" and not empty_log(Path(str(parsed.database))):
        typer.echo(
            "somebody reads the ledger without a pause: its log still holds what was erased. Run "
            "`itaca customers erase-again` on an empty file when it is quiet, or restart Itaca.",
            err=True,
        )


def _told(stone: Tombstone) -> str:
    return f"{local(stone.at)} by {stone.by}, {stone.mails} mails and {stone.cases} cases: {stone.reason}"


def _files(scope: Scope, index: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an export, the mails a few at a time."""
    yield "index.json", json.dumps(index, ensure_ascii=False, indent=1, default=str).encode()
    for part in in_parts(scope.mails, _AT_ONCE):
        mails: dict[MailId, bytes] = read_ledger(partial(export_mails, ids=part))
        yield from ((f"mails/{mail_id}.eml", raw) for mail_id, raw in mails.items())
    sent: dict[str, bytes] = read_ledger(partial(export_files, letters=index["letters"]))
    yield from ((f"files/{sha256}", content) for sha256, content in sent.items())


def _into_folder(folder: Path, files: Iterator[tuple[str, bytes]]) -> int:
    folder.mkdir(parents=True, mode=0o700)
    count = 0
    for name, content in files:
        count += 1
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return count


def _into_zip(file: Path, files: Iterator[tuple[str, bytes]]) -> int:
    with zipfile.ZipFile(file, "x", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files:
            packed.writestr(name, content)
        return len(packed.namelist())


def _lines(file: Path) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PermanentError("the file is not what `itaca customers erased --json` prints") from error
    if any(not isinstance(row, dict) or not {"customer_id", "reason"} <= row.keys() for row in rows):
        raise PermanentError("the file is not what `itaca customers erased --json` prints")
    return rows
