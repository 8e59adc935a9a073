"""A count that cannot be wrong proves nothing: each kind of loss and of doubling is planted and found."""

import email
from collections.abc import AsyncIterator
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import text

from itaca.contracts.intents import MailOutcome
from itaca.storage.database import Database
from itaca.storage.mails import settle
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from tests.fault.tally import answered_twice, tally
from tests.support.ledger import Ledger
from tests.support.relay import Received

ANNA = "anna@posta.example"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Give an empty ledger."""
    url = f"sqlite:///{tmp_path / 'itaca.db'}"
    await upgrade(url)
    database: Database = await open_database(url)
    yield Ledger(database)
    await database.close()


def answer(number: str, reference: str) -> Received:
    raw = f"Auto-Submitted: auto-replied\r\nMessage-ID: <{number}@us>\r\n\r\nPratica {reference}\r\n"
    return Received("", ANNA, email.message_from_bytes(raw.encode(), policy=default))  # type: ignore[arg-type]


async def test_a_settled_mail_is_neither_lost_nor_doubled(ledger: Ledger) -> None:
    """One accepted mail that is filed counts one, one, nothing, nothing."""
    mail_id = await ledger.accept()
    now = ledger.clock.now()
    await ledger.database.write(lambda conn: settle(conn, mail_id, MailOutcome.FILED, "router", now))
    counted = await tally(ledger.database, {mail_id}, {ANNA}, [])
    assert (counted.accepted, counted.settled, counted.lost, counted.duplicates) == (1, 1, 0, 0)
    assert counted.is_clean


async def test_an_accepted_mail_without_row_or_outcome_is_lost(ledger: Ledger) -> None:
    """An id that was said with 250 and is not there, and a mail that nothing became of, count as lost."""
    waiting = await ledger.accept()
    counted = await tally(ledger.database, {waiting, "01900000-0000-7000-8000-000000000000"}, set(), [])
    assert counted.lost == 2
    assert not counted.is_clean


async def test_a_mail_kept_as_two_is_a_duplicate(ledger: Ledger) -> None:
    """Two rows of one sender, who sent one mail, count as one duplicate."""
    accepted = {await ledger.accept(b"one"), await ledger.accept(b"two")}
    row = text("SELECT DISTINCT envelope_from FROM mails")
    [sender] = await ledger.database.read(lambda conn: list(conn.execute(row).scalars()))
    assert (await tally(ledger.database, accepted, {sender}, [])).duplicates == 1


def test_a_matter_answered_twice_is_a_duplicate() -> None:
    """Two letters about one reference are one too many, and so is one letter that comes twice."""
    first, other = answer("1", "IT-AAAAA-AAAAA"), answer("2", "IT-BBBBB-BBBBB")
    assert answered_twice([first, other], {ANNA}) == 0
    assert answered_twice([first, other, answer("3", "IT-AAAAA-AAAAA")], {ANNA}) == 1
    assert answered_twice([first, answer("1", "IT-CCCCC-CCCCC")], {ANNA}) == 1
    assert answered_twice([first, first], {"somebody@else.example"}) == 0
