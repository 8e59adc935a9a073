"""``itaca audit``: the books counted anew, and the blind checks of what the machine passed as no complaint."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from itaca.cases.elusion import CONFIDENCE, Elusion
from itaca.cases.policy import Policy
from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.output import print_json, print_table
from itaca.contracts.ids import MailId
from itaca.contracts.intents import Intent
from itaca.storage.audit_answers import answer_sample
from itaca.storage.audit_samples import Sample, elusion, next_sample
from itaca.storage.books import OVERDUE_AFTER_S, Books, balance

_ASKS = (
    "Is it a complaint? Answer with `itaca audit answer {} yes|no --by ADDRESS`, and add --order or --cancellation"
)

app = typer.Typer(
    help="Balance the books; check blind what the machine passed as no complaint.", invoke_without_command=True
)


class Answer(StrEnum):
    """What a person says of a sample."""

    YES = "yes"
    NO = "no"


@app.callback(epilog="Example: itaca audit --json")
def audit(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for a program: one object, or one a line.")] = False,
    as_elusion: Annotated[
        bool, typer.Option("--elusion", help="Instead: how many complaints the machine may have passed over.")
    ] = False,
    model: Annotated[str, typer.Option(help="With --elusion: only what this version passed.")] = "",
) -> None:
    """Balance the books; exit 1 if a mail is unaccounted for or a complaint has no owner."""
    if context.invoked_subcommand is not None:
        return
    if as_elusion:
        _elusion(as_json, model)
        return
    books = read_ledger(lambda conn: balance(conn, datetime.now(UTC), OVERDUE_AFTER_S))
    problems = books.problems()
    if as_json:
        print_json({**asdict(books), "unaccounted": books.unaccounted, "problems": problems})
    else:
        _show(books)
        for problem in problems:
            print(f"PROBLEM: {problem}")
        print("The books do not balance." if problems else "The books balance.")
    raise typer.Exit(1 if problems else 0)


@app.command("next", epilog="Example: itaca audit next --by anna@example.it")
def next_(
    by: Annotated[str, typer.Option(help="Who will answer: mail this person has labelled is left to others.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The mail as one JSON object.")] = False,
) -> None:
    """Show the next mail to be checked, without what the machine said of it; exit 1 if none waits."""
    sample = read_ledger(lambda conn: next_sample(conn, by))
    if sample is None:
        typer.echo("no mail waits for a blind check", err=True)
        raise typer.Exit(1)
    if as_json:
        print_json(_row(sample))
        return
    for line in _lines(sample):
        print(_printable(line))


@app.command(
    "answer", epilog="Example: itaca audit answer 019cd1b7-ab28-7002-8999-50d836f675cc no --by anna@example.it"
)
def answer(
    mail_id: Annotated[str, typer.Argument(help="The mail, as `itaca audit next` named it.")],
    is_complaint: Annotated[Answer, typer.Argument(help="Is it a complaint, in your own judgement?")],
    by: Annotated[str, typer.Option(help="Your address.")],
    is_order: Annotated[bool, typer.Option("--order", help="It is an order (too).")] = False,
    is_cancellation: Annotated[bool, typer.Option("--cancellation", help="It is a cancellation (too).")] = False,
) -> None:
    """Record what a person says a drawn mail is; a complaint that was passed over gets its case at once."""
    said = {
        Intent.COMPLAINT: is_complaint is Answer.YES,
        Intent.ORDER: is_order,
        Intent.CANCELLATION: is_cancellation,
    }
    intents = [intent for intent, holds in said.items() if holds]
    reference = write_ledger(
        lambda conn: answer_sample(conn, MailId(mail_id), intents, by, datetime.now(UTC), Policy(), random.Random())
    )
    if reference is None:
        print("Thank you. It stays as it is.")
    else:
        print(f"A complaint was passed over. It is in case {reference} now: `itaca cases show {reference}`")


def _elusion(as_json: bool, model: str) -> None:
    found = read_ledger(lambda conn: elusion(conn, datetime.now(UTC), model))
    if as_json:
        for one in found:
            print_json({**asdict(one), "upper_bound": one.upper_bound, "confidence": CONFIDENCE})
        return
    table = Table("language", "waiting", "checked", "misses", f"upper bound ({CONFIDENCE:.0%})", box=None)
    for one in found:
        table.add_row(one.language, str(one.waiting), str(one.checked), str(one.misses), _bound(one))
    print_table(table)


def _bound(one: Elusion) -> str:
    return f"{one.upper_bound:.2%}" if one.checked else "unknown: nothing was checked"


def _row(sample: Sample) -> dict[str, object]:
    text = sample.text
    return {
        "mail_id": sample.mail_id,
        "drawn_at": sample.drawn_at,
        "subject": text.subject,
        "new_text": text.new_text,
        "quoted_text": text.quoted_text,
        "attachments": [file.name for file in text.attachments],
    }


def _lines(sample: Sample) -> Sequence[str]:
    text = sample.text
    quoted = [f"> {line}" for line in text.quoted_text.splitlines()]
    return (
        f"mail     {sample.mail_id}",
        f"subject  {text.subject}",
        *(f"file     {file.name}" for file in text.attachments),
        "",
        *text.new_text.splitlines(),
        *quoted,
        "",
        f"{_ASKS.format(sample.mail_id)} if it is one.",
    )


def _printable(line: str) -> str:
    """Return a line that cannot move the cursor or colour the terminal: a stranger wrote it."""
    return "".join(char if char.isprintable() else " " for char in line)


def _show(books: Books) -> None:
    print(f"accepted     {books.accepted:>8}")
    for outcome, count in sorted(books.settled.items()):
        print(f"  {outcome.value:<10} {count:>8}")
    print(f"in progress  {books.in_progress:>8}   oldest {books.oldest_unsettled_age_s:.0f} s")
    print(f"unaccounted  {books.unaccounted:>8}")
    print(f"to be sent   {books.outbox_pending:>8}   oldest {books.outbox_oldest_age_s:.0f} s")
