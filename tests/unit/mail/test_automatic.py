"""Automatic mail is recognised by its structure, and never by its subject."""

import pytest

from itaca.mail.model import AutomaticKind, Envelope
from itaca.mail.rules import ReadingRules
from tests.support.written_mail import ENVELOPE, NULL_SENDER, mail, multipart, read

DSN = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n"
    "Original-Message-ID: <ours@shop.example>\r\n"
)
RETURNED = "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <ours@shop.example>\r\nSubject: x\r\n"
MDN = (
    "Content-Type: message/disposition-notification\r\n\r\nOriginal-Message-ID: <ours@shop.example>\r\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
)
TEXT = "Content-Type: text/plain\r\n\r\nYour message could not be delivered."


def kind_of(
    headers: dict[str, str | None], envelope: Envelope = ENVELOPE, rules: ReadingRules | None = None
) -> AutomaticKind:
    return read(mail(headers=headers), envelope, rules).automatic


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("auto-replied", AutomaticKind.AUTO_REPLY),
        ("Auto-Replied (vacation)", AutomaticKind.AUTO_REPLY),
        ("auto-replied; owner-email=x", AutomaticKind.AUTO_REPLY),
        (" auto-generated ", AutomaticKind.AUTO_GENERATED),
        ("auto-notified", AutomaticKind.AUTO_GENERATED),
        ("no", AutomaticKind.NONE),
        ("No (really)", AutomaticKind.NONE),
    ],
)
def test_auto_submitted(value: str, kind: AutomaticKind) -> None:
    """Auto-Submitted is read without its comments, parameters and case (RFC 3834)."""
    assert kind_of({"Auto-Submitted": value}) is kind


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Autoreply": "yes"},
        {"X-Autorespond": ""},
        {"X-Auto-Reply-From": "m@x.it"},
        {"Precedence": "auto_reply"},
        {"Delivered-To": "autoresponder"},
    ],
)
def test_replies_by_custom(headers: dict[str, str | None]) -> None:
    """The headers that vacation programs add by custom count."""
    assert kind_of(headers) is AutomaticKind.AUTO_REPLY


@pytest.mark.parametrize(
    "headers",
    [
        {"List-Id": "<news.x.example>"},
        {"List-Unsubscribe": "<mailto:u@x.example>"},
        {"Precedence": "Bulk"},
        {"Feedback-ID": "1:x"},
    ],
)
def test_lists(headers: dict[str, str | None]) -> None:
    """Lists and bulk mail name themselves."""
    assert kind_of(headers) is AutomaticKind.LIST


def test_lm17_a_group_of_ours_does_not_make_customers_a_list() -> None:
    """A shared mailbox run as a group adds list headers to the mail of customers."""
    rules = ReadingRules(own_domains=frozenset({"shop.example"}))
    assert kind_of({"List-Id": "Info <info.shop.example>", "Precedence": "list"}, rules=rules) is AutomaticKind.NONE


def test_delivery_reports() -> None:
    """A delivery status report (RFC 3464) is a bounce and names the message it speaks of."""
    text = read(multipart(TEXT, DSN, RETURNED, kind="report; report-type=delivery-status"), NULL_SENDER)
    assert (text.automatic, text.refers_to) == (AutomaticKind.BOUNCE, "<ours@shop.example>")
    assert text.new_text.startswith("Your message")


def test_a_report_without_the_original_id_finds_it_in_the_returned_headers() -> None:
    """Where the report does not name the message, the headers it returns do."""
    status = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n"
    text = read(multipart(TEXT, status, RETURNED, kind="report"), NULL_SENDER)
    assert text.refers_to == "<ours@shop.example>"


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        (["failed"], AutomaticKind.BOUNCE),
        (["delayed"], AutomaticKind.RECEIPT),
        (["Delivered", "relayed", "expanded"], AutomaticKind.RECEIPT),
        (["delayed", "failed"], AutomaticKind.BOUNCE),
        (["gone"], AutomaticKind.BOUNCE),
    ],
)
def test_a_report_of_no_failure_is_a_receipt(actions: list[str], kind: AutomaticKind) -> None:
    """A letter that is late or has arrived did not come back (RFC 3464, 2.3.3); in doubt it did."""
    recipients = "".join(f"\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: {one}\r\n" for one in actions)
    text = read(multipart(TEXT, DSN + recipients, RETURNED, kind="report; report-type=delivery-status"), NULL_SENDER)
    assert (text.automatic, text.refers_to) == (kind, "<ours@shop.example>")


def test_disposition_notifications_are_receipts() -> None:
    """A message disposition notification (RFC 8098) is a receipt."""
    text = read(multipart(TEXT, MDN, kind="report; report-type=disposition-notification"))
    assert (text.automatic, text.refers_to) == (AutomaticKind.RECEIPT, "<ours@shop.example>")


def test_null_sender() -> None:
    """The null sender speaks for a machine; with a mailer's name for a bounce."""
    assert kind_of({}, NULL_SENDER) is AutomaticKind.AUTO_GENERATED
    assert kind_of({"From": "MAILER-DAEMON@mx.example"}, NULL_SENDER) is AutomaticKind.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        "Undelivered Mail Returned to Sender",
        "Automatic reply: out of office",
        "Risposta automatica",
        "failure notice",
    ],
)
def test_lm19_a_subject_alone_proves_nothing(subject: str) -> None:
    """A customer who answers under the subject of a bounce is a customer."""
    text = read(mail("Non ho ricevuto nulla", {"Subject": subject}))
    assert text.automatic is AutomaticKind.NONE
    assert text.reply_to_address == "mario@example.org"


def test_suppress_is_a_wish_and_no_sign_of_a_machine() -> None:
    """X-Auto-Response-Suppress stops our reply and does not make the mail automatic."""
    text = read(mail(headers={"X-Auto-Response-Suppress": "DR, OOF, AutoReply"}))
    assert (text.automatic, text.reply_to_address) == (AutomaticKind.NONE, "")


def test_lm17_the_words_in_automatic_mail_are_read() -> None:
    """A web form that calls itself automatic keeps its customer's words."""
    text = read(mail("Nome: Mario\nMessaggio: la caldaia perde", {"Auto-Submitted": "auto-generated"}))
    assert "la caldaia perde" in text.new_text
    assert text.suppressed_because == "Auto-Submitted"
