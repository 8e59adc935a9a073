"""Reading is total, bounded, and its strings fit JSON and PostgreSQL."""

import random

from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.model import Envelope, MailText
from itaca.mail.read import extract_attachments, read_mail
from tests.support.bombs import BOMBS, nested
from tests.support.examples import examples
from tests.support.written_mail import ENVELOPE, mail, multipart, read

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
REAL = [
    mail(),
    multipart(PLAIN + "Perché?", "Content-Type: text/html\r\n\r\n<p>Perché?</p>", kind="alternative"),
    multipart(
        PLAIN + "x", "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?=C3=A8?=\r\n\r\n> y", kind="mixed"
    ),
    multipart(
        PLAIN + "x", 'Content-Type: a/b; name*0="a"; name*1="b"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD'
    ),
    mail(headers={"X-Trasporto": "posta-certificata", "From": "Per conto di: <posta-certificata@x.it>"}),
    mail("Il giorno 3/7/25 X ha scritto:\n> y\n", {"Auto-Submitted": "auto-replied", "References": "<a@b> <c@d>"}),
]


def fits(text: MailText) -> None:
    """Fail unless every string is valid Unicode without NUL."""
    encoded = text.model_dump_json().encode("utf-8")
    assert b"\\u0000" not in encoded.replace(rb"\\", b"")
    assert MailText.model_validate_json(encoded) == text
    assert "reading:failed" not in text.defects


@given(st.binary(max_size=2_000), st.text(max_size=40))
def test_reading_is_total_over_arbitrary_bytes(raw: bytes, sender: str) -> None:
    """Any bytes under any envelope are read, without falling back on the last resort."""
    fits(read_mail(raw, Envelope(sender=sender, recipients=(sender,))))


@examples(3)
@given(st.sampled_from(REAL), st.integers(0, 2**32))
def test_reading_is_total_over_mutated_mails(raw: bytes, seed: int) -> None:
    """Real mails with bytes changed, cut, doubled and swapped are read."""
    rng = random.Random(seed)
    mutated = bytearray(raw)
    for _ in range(rng.randrange(1, 8)):
        place = rng.randrange(len(mutated) + 1)
        deed = rng.randrange(4)
        if deed == 0:
            mutated[place : place + 1] = bytes([rng.randrange(256)])
        elif deed == 1:
            del mutated[place : place + rng.randrange(20)]
        elif deed == 2:
            mutated[place:place] = mutated[max(0, place - rng.randrange(60)) : place]
        else:
            mutated[place:place] = rng.choice(
                [b"\r\n\r\n", b"--frontier", b"\x00", b"=?utf-8?Q?", b'"', b";", b"<", b"\xff\xfe"]
            )
    fits(read_mail(bytes(mutated), ENVELOPE))


def test_lm10_a_mail_without_message_id_is_read() -> None:
    """No Message-ID, no Date, no Subject: the mail is read, and the gaps are noted."""
    text = read(mail("la merce è rotta", {"Message-ID": None, "Date": None, "Subject": None}))
    assert (text.message_id, text.new_text) == ("", "la merce è rotta")
    assert {"header:missing_message_id", "header:missing_date"} <= set(text.defects)


def test_lm16_a_picture_is_kept_as_it_came() -> None:
    """The bytes of an attachment are what the sender sent, byte for byte."""
    picture = 'Content-Type: image/png; name="prova.png"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\u0089PNG\nx\r\ny'
    raw = multipart(PLAIN + "la prova", picture)
    [(attachment, data)] = extract_attachments(raw)
    assert (attachment.name, data) == ("prova.png", "\u0089PNG\nx\r\ny".encode())


def test_an_empty_mail_is_readable() -> None:
    """Nothing to read is not the same as nothing readable."""
    assert read(b"").is_readable
    assert read(mail("")).is_readable


def test_facts_of_the_header() -> None:
    """Message-ID, references and date are kept as they are."""
    text = read(mail(headers={"In-Reply-To": "<a@b>", "References": "<x@y> <a@b>"}))
    assert (text.message_id, text.in_reply_to, text.references) == ("<1@example.org>", "<a@b>", ("<x@y>", "<a@b>"))
    assert (text.sender_name, text.date) == ("Mario Rossi", "Thu, 3 Jul 2025 10:12:00 +0200")
    assert text.language == "it"


def test_lm13_a_limit_names_itself() -> None:
    """What lies beyond a limit is a defect with the name of the limit."""
    assert "limit:depth" in read(nested(100)).defects
    assert "limit:parts" in read(BOMBS["10,000 parts"]()).defects
