"""What is asked seldom and finds its rows by an index all the same: reports, words to forget, letters taken back."""

import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from itaca.cases.activities import Activity
from itaca.cases.policy import Policy
from itaca.contracts.intents import ActivityKind
from itaca.storage.activities import report_activity
from itaca.storage.database import Database
from itaca.storage.erasure_words import forget_words
from itaca.storage.open import open_database
from itaca.storage.tables import customer_addresses, customers
from tests.support.ledger import NOW, new_ledger_file
from tests.support.plans import plans_of, sent_by

CHARGE = Activity("billing", "1", ActivityKind.CHARGE, NOW, email="a@b.example", contract="C1")


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """Open an empty ledger in a file."""
    opened = await open_database(await new_ledger_file(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Database]:
    """Open an empty ledger on a server."""
    opened = await open_database(postgres_url)
    yield opened
    await opened.close()


def plans_on_postgres(conn: Connection, work: Callable[[Connection], object]) -> dict[str, str]:
    """Return each statement and how PostgreSQL would do it where reading a whole table costs more than any index."""
    sent = sent_by(conn, work)
    conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return {
        statement: "\n".join(conn.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())  # type: ignore[arg-type]
        for statement, parameters in sent
    }


@pytest.mark.parametrize("missing", ["", "email", "contract"])
async def test_a_report_walks_through_no_other_cancellation(on_sqlite: Database, missing: str) -> None:
    """Cancellations are kept for ever, and bills are reported all day: each looks at one customer's or contract's."""
    charge = replace(CHARGE, **{missing: ""}) if missing else CHARGE

    def work(conn: Connection) -> list[str]:
        conn.execute(insert(customers).values(id="c", since=1))
        conn.execute(insert(customer_addresses).values(address=CHARGE.email, customer_id="c"))
        report = sent_by(conn, lambda c: report_activity(c, charge, NOW, Policy(), random.Random(1), "api"))
        found = [line for line in plans_of(conn, report) if " cases " in line]
        return [line for line in found if not line.endswith("(id=?) LEFT-JOIN")]

    found = {
        "ix_cases_customer (customer_id=?)": missing != "email",
        "ix_cases_matter (matter=?)": missing != "contract",
    }
    assert await on_sqlite.write(work) == [f"SEARCH cases USING INDEX {one}" for one, asked in found.items() if asked]


@pytest.mark.postgres
async def test_words_are_forgotten_without_reading_every_history(on_postgres: Database) -> None:
    """A page of retention and an erasure come to their rows from the tombstone, however many histories there are."""

    plans = await on_postgres.write(lambda c: plans_on_postgres(c, lambda d: forget_words(d, "e", b"salt")))
    assert len(plans) > 10
    assert [one for one, how in plans.items() if re.search("Seq Scan on (?!parkings)", how)] == []


SPEAK_OF_LETTERS = ("interactions", "acknowledgements", "webhook_deliveries", "letter_files")


async def test_a_letter_is_taken_back_without_looking_at_every_other_on_sqlite(on_sqlite: Database) -> None:
    """Each table that may speak of the letter is asked by an index."""
    plans = await on_sqlite.write(lambda c: plans_of(c, [("DELETE FROM outbox WHERE id = ?", ("a",))]))
    asked = [line.split()[1] for line in plans if line.startswith("SEARCH") and "outbox_id=?" in line]
    assert sorted(asked) == sorted(SPEAK_OF_LETTERS)
    assert [line for line in plans if line.startswith("SCAN")] == []


@pytest.mark.postgres
async def test_a_letter_is_taken_back_without_looking_at_every_other(on_postgres: Database) -> None:
    """The questions by which PostgreSQL sees that nothing refers to what is deleted find their indexes."""

    def ask(conn: Connection) -> None:
        for table in SPEAK_OF_LETTERS:
            conn.exec_driver_sql(f"SELECT 1 FROM ONLY {table} x WHERE 'a'::varchar = outbox_id FOR KEY SHARE OF x")

    plans = await on_postgres.write(lambda c: plans_on_postgres(c, ask))
    assert len(plans) == len(SPEAK_OF_LETTERS)
    assert [one for one, how in plans.items() if "Seq Scan" in how or "outbox_id" not in how] == []
