"""The two stories from which Itaca came, played through the real stages on a clock of their own."""

import asyncio
import email
import hashlib
import io
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from itaca.cli.demo import play
from itaca.cli.stories import load_stories
from itaca.settings import SharedSettings, load
from itaca.storage.books import Books

ROBAN, DARIO = "roban.ferrero@posta.example", "dario.mele@posta.example"
PEOPLE = ("chiara.bassi@example.it", "marco.ferri@example.it", "lucia.sala@example.it")


@dataclass(frozen=True)
class Played:
    """The books at the end, the ledger as plain SQL, and what was written to the outbox folder."""

    books: Books
    ledger: sqlite3.Connection
    outbox: Path

    def rows(self, sql: str, *values: object) -> Sequence[Any]:
        return self.ledger.execute(sql, values).fetchall()

    def cases(self, customer: str, kind: str) -> Sequence[Any]:
        """Return a customer's cases of one kind in the order of their opening."""
        return self.rows(
            "SELECT c.*, p.name AS owner FROM cases c JOIN customer_addresses a USING (customer_id) "
            "LEFT JOIN people p ON p.id = c.owner_id WHERE a.address = ? AND c.kind = ? ORDER BY opened_at",
            customer,
            kind,
        )

    def events(self, case_id: str) -> list[Any]:
        return list(self.rows("SELECT * FROM case_events WHERE case_id = ? ORDER BY at, id", case_id))

    def letters(self, recipient: str) -> list[EmailMessage]:
        files = sorted((self.outbox / recipient / "new").glob("*"))
        return [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]

    def told(self, event: str, case_id: str) -> set[str]:
        found = self.rows("SELECT recipient, payload FROM outbox WHERE kind = 'notice' AND case_id = ?", case_id)
        return {row["recipient"] for row in found if f'"{event}"' in row["payload"]}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play both stories once for all tests of this module."""
    folder = tmp_path_factory.mktemp("stories")
    books = asyncio.run(play(Console(file=io.StringIO()), folder))
    url = load(SharedSettings, {"ITACA_DATA_DIR": str(folder)}).ledger_url()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as ledger:
        ledger.row_factory = sqlite3.Row
        yield Played(books, ledger, folder / "outbox")


def moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)


def written(customer: str) -> list[datetime]:
    """Return when this customer writes, as the stories say."""
    scenes = [scene for story in load_stories() for scene in story.scenes]
    return [scene.at for scene in scenes if scene.writer == customer]


def test_every_mail_is_settled_and_the_books_balance(played: Played) -> None:
    """Nothing lost, nothing unaccounted for, nobody waits in the outbox."""
    count = len(written(ROBAN)) + len(written(DARIO))
    assert played.books.problems() == []
    assert (played.books.accepted, sum(played.books.settled.values())) == (count, count)
    assert played.books.in_progress == played.books.outbox_pending == 0


def test_nobody_is_acknowledged_twice_a_day_for_a_matter(played: Played) -> None:
    """One letter for each mail of a day and matter, to its writer only, each marked as automatic."""
    for customer in (ROBAN, DARIO):
        letters = played.letters(customer)
        assert len(letters) == len(written(customer))
        assert {letter["Auto-Submitted"] for letter in letters} == {"auto-replied"}
    days = played.rows("SELECT case_id, day, count(*) AS n FROM acknowledgements GROUP BY case_id, day")
    assert {row["n"] for row in days} == {1}


def test_every_case_had_an_owner_from_its_first_moment(played: Played) -> None:
    """Orders belong to the order system, all others to somebody with a name."""
    owned = played.rows("SELECT kind, owner_id FROM cases")
    assert all(row["owner_id"] for row in owned if row["kind"] != "order")


def test_the_order_was_handed_off(played: Played) -> None:
    """The order system has it: promise kept, case closed, with the door as evidence."""
    (order,) = played.cases(ROBAN, "order")
    (promise,) = played.rows("SELECT * FROM promises WHERE case_id = ?", order["id"])
    (handed,) = played.rows("SELECT * FROM outbox WHERE kind = 'order_handoff' AND case_id = ?", order["id"])
    assert (order["status"], order["outcome"]) == ("closed", "ordered")
    assert (promise["state"], bool(promise["evidence"]), handed["state"]) == ("kept", True, "sent")


def test_the_complaint_was_opened_at_once_with_a_name_and_a_date(played: Played) -> None:
    """In the same minute: a named owner, a dated promise, and both in the answer."""
    (complaint,) = played.cases(ROBAN, "complaint")
    opened_at = moment(complaint["opened_at"])
    first = played.rows("SELECT * FROM promises WHERE case_id = ? ORDER BY made_at", complaint["id"])[0]
    answer = next(m for m in played.letters(ROBAN) if complaint["reference"] in str(m["Subject"]))
    text = str(answer.get_content())
    assert abs((opened_at - written(ROBAN)[1]).total_seconds()) < 60
    assert (complaint["owner"], moment(first["due_at"]) > opened_at) == ("Chiara Bassi", True)
    assert complaint["owner"] in text
    assert "8 aprile 2026" in text


def test_silence_escalated_by_itself(played: Played) -> None:
    """The promise broke before he wrote again, went up level by level, and reached the top of the chain."""
    (complaint,) = played.cases(ROBAN, "complaint")
    second = written(ROBAN)[2]
    broken = [e for e in played.events(complaint["id"]) if e["kind"] == "promise_broken" and moment(e["at"]) < second]
    assert len(broken) >= 2
    assert played.told("promise_broken", complaint["id"]) == set(PEOPLE)


def test_the_second_and_third_mail_joined_the_same_case(played: Played) -> None:
    """Three contacts, one case; the third, in capitals and with a newspaper in copy, says why it is loud."""
    (complaint,) = played.cases(ROBAN, "complaint")
    appended = [e for e in played.events(complaint["id"]) if e["kind"] == "appended"]
    assert (complaint["contacts"], len(appended)) == (3, 2)
    for reason in ("contact number 3", "capitals", "press"):
        assert reason in appended[1]["detail"]
    assert complaint["level"] == len(PEOPLE) - 1
    last_mail = appended[1]["mail_id"]
    told = played.rows("SELECT recipient FROM outbox WHERE kind = 'notice' AND mail_id = ?", last_mail)
    assert PEOPLE[0] in {row["recipient"] for row in told}
    assert PEOPLE[2] in played.told("still_broken", complaint["id"])


def test_the_cancellation_was_receipted_and_handed_on(played: Played) -> None:
    """A receipt with its reference and its date at the latest, and the hand-off to whoever executes it."""
    (cancelled,) = played.cases(ROBAN, "cancellation")
    kinds = [e["kind"] for e in played.events(cancelled["id"])]
    assert {"opened", "acknowledged", "handed"} <= set(kinds)
    assert any(cancelled["reference"] in str(m["Subject"]) for m in played.letters(ROBAN))


@pytest.mark.parametrize("customer", [ROBAN, DARIO])
def test_what_came_after_the_cancellation_reopened_it_one_level_higher(played: Played, customer: str) -> None:
    """The earlier cancellation is found by itself, reopened and told one level up, and nothing else is opened."""
    (cancelled,) = played.cases(customer, "cancellation")
    kinds = [e["kind"] for e in played.events(cancelled["id"])]
    violation = kinds.index("violated")
    assert kinds.index("closed") < violation
    assert (cancelled["level"], cancelled["contacts"]) == (1, 2)
    assert played.told("violated", cancelled["id"]) == set(PEOPLE[:2])
    mail_id = played.events(cancelled["id"])[violation]["mail_id"]
    joined = played.rows("SELECT case_id FROM case_mails WHERE mail_id = ?", mail_id)
    assert [row["case_id"] for row in joined] == [cancelled["id"]]
    assert (cancelled["status"], cancelled["outcome"]) == ("closed", "remedied")


def test_the_screenshot_is_kept_with_its_hash(played: Played) -> None:
    """The SHA-256 of the file as it was sent stands with the cancellation."""
    scenes = [scene for story in load_stories() for scene in story.scenes]
    sent = [part for scene in scenes if scene.mail for part in scene.mail.iter_attachments()]
    (cancelled,) = played.cases(DARIO, "cancellation")
    (kept,) = played.rows("SELECT * FROM evidence")
    content = sent[0].get_payload(decode=True)
    assert isinstance(content, bytes)
    assert (kept["case_id"], kept["name"]) == (cancelled["id"], "schermata.png")
    assert (kept["sha256"], kept["size_bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))


def test_the_stories_end_well(played: Played) -> None:
    """Every case is closed with its evidence, nothing is promised any more."""
    assert Counter(row["status"] for row in played.rows("SELECT status FROM cases")) == {
        "closed": len(played.rows("SELECT id FROM cases"))
    }
    assert played.rows("SELECT id FROM promises WHERE state = 'open'") == []
