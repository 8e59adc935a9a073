"""``itaca label``: what people say mails are, from files and mailboxes, for mails of the ledger, and out of it."""

import json
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.workshop import workshop
from itaca.contracts.ids import MailId
from itaca.contracts.intents import Intent
from itaca.storage.labels import LabelledMail, labelled_mails, set_label

OTHER = "other"
app = typer.Typer(help="Import labels, label mails of the ledger, export labels for training.", no_args_is_help=True)
By = Annotated[str, typer.Option(help="Address of the person whose judgement it is.")]
To = Annotated[Path, typer.Option("--to", help="File of JSON lines.", dir_okay=False)]


@app.command("import", epilog="Example: itaca label import mail/reclami --by anna@example.it --to labels/march.jsonl")
def import_(
    by: By,
    target: To,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders (Maildir, .eml) or mbox files named by intent, CSV, JSON lines.", exists=True),
    ] = None,
    imap: Annotated[
        list[str] | None, typer.Option(help="imaps://user@host/FOLDER=complaint; may be repeated.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the IMAP password; default: ask for it.", exists=True)
    ] = None,
) -> None:
    """Append labelled mails to a file that training reads; an import is whole or not at all."""
    if not paths and not imap:
        raise typer.BadParameter("name a path, or a folder by --imap", param_hint="PATHS")
    password = _password(password_file)
    print(f"imported {workshop().import_labels(paths or [], target, by, imap=imap or [], password=password)}")


def _password(file: Path | None) -> Callable[[str], str]:
    """Return what gives the password of an account; it is asked for once and never a word of the command line."""

    @cache
    def ask(account: str) -> str:
        if file is not None:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        return str(typer.prompt(f"Password of {account}", hide_input=True, err=True))

    return ask


@app.command("set", epilog="Example: itaca label set 019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11 order --by a@example.it")
def set_(
    mail_id: Annotated[str, typer.Argument(help="Id of a mail of the ledger.")],
    intents: Annotated[list[str], typer.Argument(help="order, complaint, cancellation (also several), or other.")],
    by: By,
    blind: Annotated[bool, typer.Option("--blind", help="Judged before seeing the machine's answer.")] = False,
) -> None:
    """Say what a mail of the ledger is; the newest word of a person counts."""
    chosen = _intents(intents)

    def work(conn: Connection) -> None:
        set_label(conn, MailId(mail_id.lower()), chosen, by, blind, datetime.now(UTC), random.Random())

    write_ledger(work)
    print(f"{mail_id} is {'+'.join(sorted(chosen)) or OTHER}, says {by}.")


def _intents(names: list[str]) -> set[Intent]:
    known = {intent.value for intent in Intent}
    unknown = sorted(set(names) - known - {OTHER})
    if unknown:
        said = f"{', '.join(unknown)}: a mail is {', '.join(sorted(known))} or {OTHER}"
        raise typer.BadParameter(said, param_hint="INTENTS")
    if OTHER in names and len(set(names)) > 1:
        raise typer.BadParameter(f"{OTHER} means that no intent holds: it stands alone", param_hint="INTENTS")
    return {Intent(name) for name in names if name != OTHER}


@app.command("export", epilog="Example: itaca label export --to labels/desk.jsonl")
def export(target: To) -> None:
    """Write the labels of the ledger with the texts of their mails, as training reads them.

    The file holds what customers wrote: it is made readable for its owner only.
    """

    def work(conn: Connection) -> tuple[int, int]:
        return _write(conn, target)

    target.parent.mkdir(parents=True, exist_ok=True)
    written, unread = read_ledger(work)
    print(f"exported {written}" + (f"; {unread} left out, their mails could not be read" if unread else ""))


def _write(conn: Connection, target: Path) -> tuple[int, int]:
    """Write beside the target and put it in place when it is whole; return how many were written and left out."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    written = unread = 0
    with open(beside, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        for label in labelled_mails(conn):
            if label.written is None:
                unread += 1
                continue
            file.write(json.dumps(_row(label), ensure_ascii=False) + "\n")
            written += 1
    beside.replace(target)
    return written, unread


def _row(label: LabelledMail) -> dict[str, object]:
    assert label.written is not None
    return {
        "id": label.mail_id,
        "lang": label.written.language,
        "customer": label.customer or label.sender or label.mail_id,
        "from": label.sender,
        "labels": sorted(label.intents) or [OTHER],
        "by": label.by,
        "at": label.at.isoformat(),
        "blind": label.is_blind,
        "written": label.written.model_dump(mode="json", exclude_defaults=True),
    }
