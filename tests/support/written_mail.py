"""Mails written by tests: a header that is in order, and whatever body the test is about."""

from itaca.mail.model import Envelope, MailText
from itaca.mail.read import read_mail
from itaca.mail.rules import ReadingRules

ENVELOPE = Envelope(sender="mario@example.org", recipients=("info@shop.example",))
NULL_SENDER = Envelope(sender="", recipients=("info@shop.example",))

_HEADER = {
    "From": "Mario Rossi <mario@example.org>",
    "To": "info@shop.example",
    "Subject": "Il mio ordine",
    "Date": "Thu, 3 Jul 2025 10:12:00 +0200",
    "Message-ID": "<1@example.org>",
    "MIME-Version": "1.0",
}


def mail(body: str | bytes = "Dov'è il mio ordine?\n", headers: dict[str, str | None] | None = None) -> bytes:
    """Return a mail in UTF-8; a header given as None is left out, others are added or replaced."""
    fields = {**_HEADER, **(headers or {})}
    fields.setdefault("Content-Type", "text/plain; charset=utf-8")
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return head.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def multipart(*parts: str, kind: str = "mixed", headers: dict[str, str | None] | None = None) -> bytes:
    """Return a multipart mail; each part is given with its own header, a blank line and its body."""
    body = "".join(f"--frontier\r\n{part}\r\n" for part in parts) + "--frontier--\r\n"
    return mail(body, {"Content-Type": f'multipart/{kind}; boundary="frontier"', **(headers or {})})


def read(raw: bytes, envelope: Envelope = ENVELOPE, rules: ReadingRules | None = None) -> MailText:
    """Read a mail by the rules given, or the default ones."""
    return read_mail(raw, envelope, rules)
