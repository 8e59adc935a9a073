"""Ways to lose mail that no single module prevents (``../shared/reference/losses.md``), on the real ledger."""

import random
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.mail.model import Envelope
from itaca.mail.read import extract_attachments, read_mail
from itaca.storage.mails import claim_unsettled, load_mails, load_raw
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from itaca.storage.promises import break_overdue
from itaca.storage.routing import Waiting
from tests.support.ledger import Ledger
from tests.support.routed import COMPLAINT, NOTHING, POLICY, UNSURE, Desk

ENVELOPE = Envelope(sender="anna@posta.example", recipients=("reclami@shop.example",))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Give a test a ledger on disk with three people in it."""
    url = f"sqlite:///{tmp_path / 'itaca.db'}"
    await upgrade(url)
    database = await open_database(url)
    found = Desk(Ledger(database))
    await found.staff("agent", "lead", "head")
    try:
        yield found
    finally:
        await database.close()


def letter(subject: str = "Reclamo", body: str = "Il pacco non è arrivato.", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Anna <anna@posta.example>", "reclami@shop.example", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


async def test_lm7_a_failure_leaves_no_mark_that_hides_the_mail(desk: Desk) -> None:
    """What could not be handled is unsettled and nothing else: it is due again, however often work on it failed."""
    mail_id = await desk.ledger.accept()
    for attempt in range(2, 12):
        await desk.pass_time(seconds=2000)
        now = desk.now
        due = await desk.ledger.database.write(lambda c, now=now: claim_unsettled(c, now, 10))
        assert [(mail.id, mail.attempts) for mail in due] == [(mail_id, attempt)]


async def test_lm8_no_window_closes_over_an_old_mail(desk: Desk) -> None:
    """A mail that waited for two years is driven again and settled like one of today."""
    mail_id = await desk.ledger.accept()
    await desk.pass_time(days=730)
    now = desk.now
    assert [m.id for m in await desk.ledger.database.write(lambda c: claim_unsettled(c, now, 10))] == [mail_id]
    routed = await desk.route(Waiting(mail_id, None, "the classifier has not answered"))
    assert routed.outcomes == {mail_id: MailOutcome.REVIEW}


async def test_lm15_no_attachment_is_filtered_by_its_type(desk: Desk) -> None:
    """A program, a script and a nameless file are all listed with their hashes, and their bytes are kept."""
    message = letter()
    for name, content in (("fattura.exe", b"MZ\x90"), ("leggimi.js", b"alert(1)"), ("", b"\x00\x01")):
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    raw = bytes(message)
    mail_id = await desk.ledger.accept(raw)
    assert await desk.ledger.database.read(lambda c: load_raw(c, mail_id)) == raw
    files = extract_attachments(raw)
    assert [content for _, content in files] == [b"MZ\x90", b"alert(1)", b"\x00\x01"]
    assert [file for file, _ in files] == list(read_mail(raw, ENVELOPE).attachments)


async def test_lm18_a_reply_in_a_loop_is_silenced_and_its_content_kept(desk: Desk) -> None:
    """A hundred answers to our acknowledgement join the case; none is answered, none is dropped."""
    first = await desk.settle(COMPLAINT, message_id="<uno@posta.example>")
    message = letter("Re: Reclamo", In_Reply_To=f"<ack.{first}.x@shop.example>")
    text = read_mail(bytes(message), ENVELOPE)
    assert text.suppressed_because
    for number in range(100):
        mail_id = await desk.take(text.model_copy(update={"message_id": f"<{number}@posta.example>"}))
        await desk.route(Waiting(mail_id, NOTHING))
    (case,) = await desk.cases(CaseKind.COMPLAINT)
    assert (await desk.history(case.id)).count("appended") == 100
    assert len(await desk.acknowledged()) == 1


async def test_lm25_mail_marked_as_spam_is_judged_like_any_other(desk: Desk) -> None:
    """The mark of a spam filter suppresses our answer and nothing else: the complaint has its case."""
    text = read_mail(bytes(letter(X_Spam_Flag="YES")), ENVELOPE)
    assert not text.reply_to_address
    mail_id = await desk.take(text)
    routed = await desk.route(Waiting(mail_id, COMPLAINT))
    assert routed.outcomes == {mail_id: MailOutcome.CASE}
    assert len(await desk.cases(CaseKind.COMPLAINT)) == 1
    assert await desk.acknowledged() == []


async def test_lm26_a_review_never_expires(desk: Desk) -> None:
    """Nobody decides for a year: the case is open, owed and told to the top of the chain to the last day."""
    mail_id = await desk.settle(UNSURE)
    for _ in range(366):
        await desk.pass_time(days=1)
        await climb(desk)
    (case,) = await desk.cases(CaseKind.REVIEW)
    assert case.status == "open"
    assert case.level == 2
    mails = await desk.ledger.database.read(lambda c: load_mails(c, [mail_id]))
    assert mails[mail_id].outcome is MailOutcome.REVIEW
    told = await desk.told(case.id, "still_broken")
    assert told.count("head@shop.example") > 100


async def climb(desk: Desk) -> None:
    now = desk.now
    for _ in range(20):
        if not await desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, random.Random(1), "watch")):
            return
    raise AssertionError("promises break without end")
