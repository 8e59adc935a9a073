"""A person's answer leaves in the customer's thread, and one that does not arrive is owed again."""

import email
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from itaca.cases.interactions import RecordedFile
from itaca.contracts.ids import CaseId, MailId, OutboxId
from itaca.contracts.intents import CaseKind, CaseOutcome, OutboxKind
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage import tables as t
from itaca.storage.cases import close_case
from itaca.storage.outbox import enqueue
from itaca.storage.routing import Waiting
from services.courier.messages import Letters, return_path
from tests.support.case_facts import mail_text
from tests.support.ledger import open_ledger
from tests.support.letter_facts import MAIL_ID, SHOP, context, matter
from tests.support.routed import COMPLAINT, NOTHING, Desk
from tests.unit.courier.test_handler import Office

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
ENTRY = OutboxId("0190-entry")
LETTERS = Letters("Servizio Clienti", "", "", ZoneInfo("Europe/Rome"))


def reply(
    subject: str = "Re: Libri",
    text: str = "Li spediamo oggi.",
    files: tuple[RecordedFile, ...] = (),
    **more: object,
) -> EmailMessage:
    about = context(matter(), text=MailText(subject="Libri", message_id="<m1@posta.example>", **more))
    made = LETTERS.reply(ENTRY, "anna@posta.example", subject, text, about, NOW, files)
    return email.message_from_bytes(bytes(made), policy=default)


def test_an_answer_stands_in_the_customers_thread() -> None:
    """It answers their message, names the case, and carries an id by which a reply finds the case again."""
    message = reply(references=("<m0@posta.example>",))
    assert message["In-Reply-To"] == "<m1@posta.example>"
    assert message["References"] == "<m0@posta.example> <m1@posta.example>"
    assert message["Message-ID"] == f"<re.{MAIL_ID}.{ENTRY}@{SHOP.partition('@')[2]}>"
    assert message["Subject"].startswith("Re: Libri [IT-")
    assert message.get_content().strip() == "Li spediamo oggi."


def test_an_answer_is_no_machines_letter() -> None:
    """Nothing in it asks other machines to be silent, and its bounce comes back to us."""
    message = reply()
    assert not {"auto-submitted", "x-auto-response-suppress", "x-itaca-loop"} & {name.lower() for name in message}
    assert return_path(message) == SHOP


def test_a_hostile_subject_adds_no_header() -> None:
    """What a person pastes into the subject stays in the subject."""
    message = reply("x\r\nBcc: evil@x.example")
    assert message["Bcc"] is None
    assert len(message["To"].addresses) == 1


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give a ledger in memory with an agent."""
    async with open_ledger("sqlite://") as ledger:
        made = Desk(ledger)
        await made.staff("agent")
        yield made


async def answered(desk: Desk, tmp_path: Path) -> tuple[Office, MailId, CaseId]:
    """Return a courier in whose outbox lies the answer that closed a complaint."""
    office = Office(desk, tmp_path)
    await office.broker.start()
    mail_id = await desk.settle(COMPLAINT, message_id="<m1@posta.example>")
    await office.rounds(3)
    (case,) = await desk.cases(CaseKind.COMPLAINT)
    more = {"recipient": "anna@posta.example", "case_id": CaseId(case.id), "mail_id": mail_id}
    entry = desk.ledger.entry(OutboxKind.REPLY, "reply:1", **more)
    entry = type(entry)(**{**vars(entry), "payload": {"subject": "Re: Libri", "text": "Fatto."}})
    now, rng = desk.now, desk.ledger.rng

    def work(conn):
        enqueue(conn, [entry])
        close_case(conn, CaseId(case.id), CaseOutcome.ANSWERED, "answer", now, rng, "agent")

    await desk.ledger.database.write(work)
    return office, mail_id, CaseId(case.id)


async def test_an_answer_that_left_is_an_interaction(desk: Desk, tmp_path: Path) -> None:
    """It stands in the history of the case and of the customer."""
    office, _, case_id = await answered(desk, tmp_path)
    assert await office.rounds(2) == 1
    assert "reply_sent" in await desk.history(case_id)
    assert [row.outcome for row in await desk.rows(t.interactions, direction="out")] == ["acknowledged", "answered"]


async def test_an_answer_that_was_refused_opens_the_case_again(desk: Desk, tmp_path: Path) -> None:
    """An answer nobody received answered nothing: the case is open, owed, and its owner is told."""
    office, _, case_id = await answered(desk, tmp_path)
    office.door.answers = [PermanentError("refused with 550")]
    await office.rounds(1)
    (case,) = await desk.rows(t.cases, id=case_id)
    assert case.status == "open"
    assert [row.state for row in await desk.rows(t.promises, case_id=case_id)] == ["kept", "open"]
    assert await desk.told(case_id, "reply_failed") == ["agent@shop.example"]


async def test_a_reply_to_an_answer_finds_its_case(desk: Desk, tmp_path: Path) -> None:
    """Another address of the same firm answers our letter: our Message-ID alone leads to the case."""
    office, mail_id, case_id = await answered(desk, tmp_path)
    await office.rounds(2)
    await desk.pass_time(hours=1)
    text = mail_text("Grazie, è arrivato.", in_reply_to=f"<re.{mail_id}.x@shop.example>")
    second = await desk.take(text)
    await desk.route(Waiting(second, NOTHING))
    links = await desk.rows(t.case_mails, mail_id=second)
    assert [link.case_id for link in links] == [case_id]


@pytest.mark.parametrize(
    ("name", "content_type", "sent_as"),
    [
        ("fattura n° 7.pdf", "application/pdf", "application/pdf"),
        ('a"; filename="b\r\nBcc: evil@x.example', "text/plain; charset=utf-16", "text/plain"),
        ("lettera.eml", "message/rfc822", "application/octet-stream"),
        ("x", "no type", "application/octet-stream"),
        ("", "", "application/octet-stream"),
    ],
)
def test_files_leave_with_it_byte_for_byte(name: str, content_type: str, sent_as: str) -> None:
    """Names of any letters (RFC 2231), types that are none, messages as bytes; nothing breaks out of a header."""
    content = b"\x00\xff\r\n.\r\nFrom here\n"
    message = reply(files=(RecordedFile(name, content_type, content),))
    (file,) = message.iter_attachments()
    assert file.get_content_type() == sent_as
    assert file.get_payload(decode=True) == content
    assert file.get_content_disposition() == "attachment"
    assert file.get_filename() == (" ".join(name.split()) or "file")
    assert message["Bcc"] is None
    assert message.get_body().get_content().strip() == "Li spediamo oggi."
