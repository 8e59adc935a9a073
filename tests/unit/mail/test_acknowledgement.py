"""When a mail may be acknowledged, and where to."""

import pytest

from itaca.mail.model import Envelope
from itaca.mail.rules import ReadingRules
from tests.support.written_mail import ENVELOPE, NULL_SENDER, mail, read

RULES = ReadingRules(
    own_addresses=frozenset({"info@shop.example"}),
    own_domains=frozenset({"shop.example"}),
    trusted_authserv_ids=frozenset({"mx.shop.example"}),
)
ACK = "<ack.01890a5d-ac96-774b-bcce-b302099a8057.a@shop.example>"


def test_the_return_path_is_answered() -> None:
    """The acknowledgement goes to the envelope sender, whatever From and Reply-To say (RFC 3834, section 4)."""
    raw = mail(headers={"From": "boss@bank.example", "Reply-To": "victim@other.example"})
    text = read(raw, ENVELOPE, RULES)
    assert (text.reply_to_address, text.suppressed_because) == ("mario@example.org", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List-Help": "<mailto:x@x.example>"},
        {"Feedback-ID": "x"},
        {"X-Auto-Response-Suppress": "All"},
        {"X-Loop": "x"},
        {"X-Itaca-Loop": "a"},
        {"X-Autoreply": "1"},
        {"X-Ricevuta": "accettazione"},
        {"X-Spam-Flag": "YES"},
        {"In-Reply-To": ACK},
        {"From": "noreply@example.org"},
        {"From": "No-Reply-77@example.org"},
        {"From": "owner-news@example.org"},
        {"From": "news-request@example.org"},
        {"From": None},
        {"To": "someone@else.example"},
        {"To": None},
        {"Content-Type": "multipart/report; boundary=x"},
        {"Authentication-Results": "mx.shop.example; dmarc=fail header.from=example.org"},
    ],
    ids=lambda headers: "-".join(f"{k}={v}" for k, v in headers.items())[:40],
)
def test_no_acknowledgement_and_the_reason(headers: dict[str, str | None]) -> None:
    """Every rule that forbids an acknowledgement leaves its reason, and the mail is read all the same."""
    text = read(mail("la merce è rotta", headers), ENVELOPE, RULES)
    assert text.reply_to_address == ""
    assert text.suppressed_because
    assert "la merce" in text.new_text


@pytest.mark.parametrize(
    "sender", ["mailer-daemon@x.example", "bounces+1=2@x.example", "info@shop.example", "x@shop.example", "?"]
)
def test_senders_that_are_never_answered(sender: str) -> None:
    """Robots, ourselves, and what is no address get nothing."""
    envelope = Envelope(sender=sender, recipients=("info@shop.example",))
    assert read(mail(), envelope, RULES).reply_to_address == ""
    assert read(mail(), NULL_SENDER, RULES).suppressed_because == "null envelope sender"


def test_more_than_fifty_hops_are_a_loop() -> None:
    """A mail that has been around gets no answer."""
    assert read(b"Received: by x\r\n" * 51 + mail(), ENVELOPE, RULES).suppressed_because == "too many hops"


@pytest.mark.parametrize("field", ["Cc", "Resent-To", "X-Original-To", "Delivered-To"])
def test_mail_that_names_us_anywhere_is_answered(field: str) -> None:
    """Copies, resent and forwarded mail name us in other fields; plus tags do not matter."""
    text = read(mail(headers={"To": "x@other.example", field: "info+it-7k3f2-9q0xz@shop.example"}), ENVELOPE, RULES)
    assert text.reply_to_address == "mario@example.org"
