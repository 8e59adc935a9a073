"""``itaca backup`` and ``itaca restore``: the ledger into one file while Itaca runs, and back into an empty place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from itaca.cli.ledger import shared_settings
from itaca.cli.output import print_json
from itaca.keys import SECRET_FILE
from itaca.storage.backups import Contents, back_up
from itaca.storage.backups import restore as restore_ledger

BACKUP_EXAMPLE = 'Example: itaca backup "backups/itaca-$(date +%F).db"'
RESTORE_EXAMPLE = "Example: itaca restore backups/itaca-2026-03-09.db"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def backup(
    to: Annotated[Path, typer.Argument(help="A new file: a SQLite database, or what pg_dump writes for PostgreSQL.")],
    as_json: AsJson = False,
) -> None:
    """Copy the ledger into one file while Itaca runs, check the copy and count its books.

    Everything is in it but the keys: keep `secret.key` and `receipts.key` of the data folder, or the settings that
    stand for them, apart from it. It holds personal data, and only you can read it.
    """
    contents = back_up(shared_settings().ledger_url(), to, datetime.now(UTC))
    _tell(contents, to, as_json)
    if not as_json:
        print(f"The keys are not in it ({SECRET_FILE}, receipts.key of the data folder): keep them elsewhere.")
        print("Keep beside it who was erased: itaca customers erased --json > erased.jsonl")


def restore(
    file: Annotated[Path, typer.Argument(help="What `itaca backup` wrote.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Fill an empty place from a backup: a data folder without a ledger, or a server's database without tables.

    Nothing is replaced: move away what is there. The backup is checked and its books are counted.
    """
    contents = restore_ledger(shared_settings().ledger_url(), file, datetime.now(UTC))
    _tell(contents, file, as_json)
    if not as_json:
        print(f"Next: put {SECRET_FILE} and receipts.key back into the data folder (or set what stands for them);")
        print("erase who was erased since: itaca customers erase-again erased.jsonl; start Itaca; and hand in again")
        print("what the mail server kept since, duplicates do no harm.")


def _tell(contents: Contents, file: Path, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size, "schema": contents.schema, **_figures(contents)})
        return
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, schema {contents.schema}")
    if contents.books is None:
        print("Its schema is an older one: `itaca up` will upgrade it, then `itaca audit` counts its books.")
        return
    figures = _figures(contents)
    print(
        f"{figures['accepted']} mails accepted, {figures['settled']} settled, {figures['in_progress']} in progress."
    )
    for problem in figures["problems"]:
        typer.echo(f"PROBLEM: {problem}", err=True)
    print("Its books do not balance: `itaca audit`." if figures["problems"] else "Its books balance.")


def _figures(contents: Contents) -> dict[str, Any]:
    books = contents.books
    if books is None:
        return {}
    settled = sum(books.settled.values())
    return {
        "accepted": books.accepted,
        "settled": settled,
        "in_progress": books.in_progress,
        "problems": books.problems(),
    }
