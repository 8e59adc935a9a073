"""``itaca audit``: the books, counted anew."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from itaca.cli.ledger import read_ledger
from itaca.cli.output import print_json
from itaca.storage.books import Books, balance

EXAMPLE = "Example: itaca audit --json"
_OVERDUE_AFTER_S = 20 * 60.0


def audit(as_json: Annotated[bool, typer.Option("--json", help="The books as one JSON object.")] = False) -> None:
    """Balance the books; exit 1 if a mail is unaccounted for or a complaint has no owner."""
    books = read_ledger(lambda conn: balance(conn, datetime.now(UTC), _OVERDUE_AFTER_S))
    problems = books.problems()
    if as_json:
        print_json({**asdict(books), "unaccounted": books.unaccounted, "problems": problems})
    else:
        _show(books)
        for problem in problems:
            print(f"PROBLEM: {problem}")
        print("The books do not balance." if problems else "The books balance.")
    raise typer.Exit(1 if problems else 0)


def _show(books: Books) -> None:
    print(f"accepted     {books.accepted:>8}")
    for outcome, count in sorted(books.settled.items()):
        print(f"  {outcome.value:<10} {count:>8}")
    print(f"in progress  {books.in_progress:>8}   oldest {books.oldest_unsettled_age_s:.0f} s")
    print(f"unaccounted  {books.unaccounted:>8}")
    print(f"to be sent   {books.outbox_pending:>8}   oldest {books.outbox_oldest_age_s:.0f} s")
