"""What the classifier sees fits its event, keeps head and tail, and carries the facts as flags."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.contracts.codec import decode, encode
from itaca.contracts.events import MAX_TEXT_BYTES, MailReceived
from itaca.contracts.ids import MailId
from itaca.mail.model import Attachment, AutomaticKind, CertifiedKind, MailText
from itaca.mail.written import encoded_bytes, written_text


def event_of(mail: MailText) -> bytes:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return encode(MailReceived(mail_id=MailId("m"), received_at=now, text=written_text(mail)))


def test_an_ordinary_mail_is_unchanged() -> None:
    """Short text goes through as it is, with the domain of the sender and the local parts of the recipients."""
    mail = MailText(
        subject="Reclamo",
        new_text="La caldaia perde.",
        quoted_text="> Gentile cliente",
        language="it",
        sender="mario@example.org",
        recipients=("info@shop.example",),
        cc=("cronaca@press.example",),
    )
    written = written_text(mail)
    assert (written.subject, written.new_text, written.quoted_text) == (
        "Reclamo",
        "La caldaia perde.",
        "> Gentile cliente",
    )
    assert (written.sender_domain, written.recipients) == ("example.org", ("info", "cronaca"))
    assert (written.is_truncated, written.flags) == (False, ())


def test_flags_tell_the_structure() -> None:
    """Automatic and certified kinds, HTML, defects and tricks with letters are flags."""
    mail = MailText(
        new_text="re\u200bcl\u200ba\u200bmo rесlаmo",
        automatic=AutomaticKind.LIST,
        certified=CertifiedKind.ENVELOPE,
        is_html_only=True,
        defects=("limit:parts",),
    )
    expected = {
        "automatic:list",
        "certified:envelope",
        "html_only",
        "defect:limit:parts",
        "text:invisible",
        "text:lookalikes",
    }
    assert expected == set(written_text(mail).flags)
    assert written_text(mail).new_text == "reclamo reclamo"


@pytest.mark.parametrize("filler", ["a", "è", '"', "\\", "\n", "日", "\ufdfa", "ciao a tutti "])
def test_a_long_text_keeps_head_and_tail(filler: str) -> None:
    """Of a text that is too long the first 48 and the last 16 KiB stay, whatever its characters weigh in JSON."""
    mail = MailText(
        subject=filler * 900, new_text="INIZIO " + filler * 250_000 + " FINE", quoted_text=filler * 100_000
    )
    written = written_text(mail)
    used = sum(map(encoded_bytes, (written.subject, written.new_text, written.quoted_text)))
    assert used <= MAX_TEXT_BYTES
    assert used > 0.9 * MAX_TEXT_BYTES
    assert written.new_text.startswith("INIZIO")
    assert written.new_text.endswith("FINE")
    assert written.is_truncated
    event_of(mail)


def test_the_new_text_comes_before_the_history() -> None:
    """A long history is cut before the new text is; a little of it always stays."""
    long_history = written_text(MailText(new_text="a" * 30_000, quoted_text="b" * 200_000))
    assert long_history.new_text == "a" * 30_000
    long_both = written_text(MailText(new_text="a" * 200_000, quoted_text="b" * 200_000))
    assert len(long_both.quoted_text) > 7_000


def test_many_long_names_fit() -> None:
    """Two hundred attachments with long names do not make the event too large."""
    names = [
        Attachment(name=f"{n}" + "è" * 80, content_type="a/b", size_bytes=1, sha256="0" * 64) for n in range(200)
    ]
    mail = MailText(
        new_text='"' * 300_000, attachments=tuple(names), recipients=tuple(f"{'r' * 300}{n}@x.it" for n in range(99))
    )
    assert decode(MailReceived, event_of(mail)).text.attachment_names


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_written_text_is_total(subject: str, new_text: str, quoted_text: str) -> None:
    """Any strings make an event that can be read back."""
    mail = MailText(subject=subject, new_text=new_text, quoted_text=quoted_text)
    assert decode(MailReceived, event_of(mail)).text == written_text(mail)
