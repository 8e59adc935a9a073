"""The true writer and the true recipient, and whose word counts for it."""

import pytest

from itaca.mail.model import Envelope
from itaca.mail.rules import ReadingRules
from tests.support.written_mail import ENVELOPE, mail, read

RULES = ReadingRules(
    own_domains=frozenset({"shop.example"}),
    known_forwarders=frozenset({"form@provider.example"}),
    trusted_authserv_ids=frozenset({"mx.shop.example"}),
    trusted_relays=frozenset({"inner.shop.example"}),
)
PASS = "mx.shop.example; spf=pass (ok; really) smtp.mailfrom=example.org; dmarc=pass header.from=example.org"


@pytest.mark.parametrize(
    ("sender", "reply_to", "writer"),
    [
        ("mario@example.org", "other@evil.example", "mario@example.org"),
        ("www@shop.example", "mario@example.org", "mario@example.org"),
        ("form@provider.example", "Mario <mario@example.org>", "mario@example.org"),
        ("www@shop.example", "info@shop.example", "www@shop.example"),
        ("posta-certificata@pec.example", "mario@pec.example", "mario@pec.example"),
    ],
)
def test_reply_to_names_the_writer_only_behind_our_own_senders(sender: str, reply_to: str, writer: str) -> None:
    """Reply-To is believed where From is ours, a known forwarder or a PEC provider; otherwise From stays."""
    assert read(mail(headers={"From": sender, "Reply-To": reply_to}), ENVELOPE, RULES).sender == writer


@pytest.mark.parametrize("value", [None, "", "Mario", "<>", "undisclosed"])
def test_lm11_a_missing_or_odd_from_falls_back_to_the_envelope(value: str | None) -> None:
    """A mail whose From names nobody came from its envelope sender, and says so."""
    text = read(mail(headers={"From": value}))
    assert text.sender == "mario@example.org"
    assert "header:missing_from" in text.defects


def test_lm11_a_mail_from_nobody_is_read() -> None:
    """Without From and without envelope sender there is no sender, and still a text."""
    text = read(mail("la merce è rotta", {"From": None}), Envelope(sender="", recipients=()))
    assert (text.sender, text.new_text) == ("", "la merce è rotta")


def test_true_recipients_come_first() -> None:
    """What the delivery says precedes To and the envelope; nobody is named twice."""
    raw = mail(
        headers={
            "To": "Info <info@shop.example>",
            "X-Original-To": "reclami@shop.example",
            "Delivered-To": "t@in.example",
        }
    )
    assert read(raw).recipients == ("reclami@shop.example", "t@in.example", "info@shop.example")


def test_copies_are_kept() -> None:
    """The press in Cc is a fact about the mail."""
    assert read(mail(headers={"Cc": "Il Giornale <cronaca@press.example>, x@y.example"})).cc == (
        "cronaca@press.example",
        "x@y.example",
    )


def test_a_verdict_of_our_border_host_authenticates() -> None:
    """dmarc=pass by a trusted host above every Received line counts."""
    assert read(b"Authentication-Results: " + PASS.encode() + b"\r\n" + mail(), ENVELOPE, RULES).authenticated


@pytest.mark.parametrize(
    "above",
    [
        "Received: from evil by mx.shop.example; x\r\nAuthentication-Results: " + PASS,
        "Authentication-Results: other.example; dmarc=none\r\nAuthentication-Results: " + PASS,
        "Authentication-Results: other.example; dmarc=pass header.from=example.org",
        "Authentication-Results: mx.shop.example; dmarc=pass header.from=other.example",
        "Authentication-Results: mx.shop.example; spf=pass",
        "X-Authentication-Results: " + PASS,
    ],
)
def test_forged_verdicts_do_not_count(above: str) -> None:
    """A verdict below a foreign Received line, of another host, or about another domain proves nothing (RFC 8601)."""
    assert not read(above.encode() + b"\r\n" + mail(), ENVELOPE, RULES).authenticated


def test_relays_of_ours_may_stand_above_the_verdict() -> None:
    """Internal hops above the border host's verdict do not spoil it."""
    raw = b"Received: from mx by inner.shop.example; x\r\nAuthentication-Results: " + PASS.encode() + b"\r\n" + mail()
    assert read(raw, ENVELOPE, RULES).authenticated
    assert not read(raw).authenticated
