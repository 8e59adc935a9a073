"""Certified mail (PEC): the mail inside counts, receipts are receipts, and malformed ones stay ordinary mail."""

import base64

import pytest

from itaca.mail.model import AutomaticKind, CertifiedKind, Envelope
from itaca.mail.read import read_mail
from tests.support.require import require
from tests.support.shared import SHARED
from tests.support.written_mail import ENVELOPE, mail, multipart, read

INNER = (
    "From: Avv. Bianchi <bianchi@pec.example>\r\nTo: info@shop.example\r\nSubject: Diffida\r\n"
    "Message-ID: <inner@pec.example>\r\n"
    'Date: Thu, 3 Jul 2025 10:12:00 +0200\r\nContent-Type: multipart/mixed; boundary="in"\r\n\r\n--in\r\n'
    "Content-Type: text/plain; charset=utf-8\r\n\r\nSi diffida a consegnare la merce.\r\n--in\r\n"
    'Content-Type: application/pdf; name="diffida.pdf"\r\n\r\nPDF\r\n--in--\r\n'
)
NOTICE = "Content-Type: text/plain\r\n\r\nMessaggio di posta certificata"
OUTER = {
    "From": '"Per conto di: bianchi@pec.example" <posta-certificata@provider.example>',
    "Reply-To": "bianchi@pec.example",
    "Subject": "POSTA CERTIFICATA: Diffida",
    "X-Trasporto": "posta-certificata",
}
POSTACERT = 'Content-Type: message/rfc822; name="postacert.eml"\r\n\r\n'


@pytest.mark.parametrize(
    "part",
    [
        POSTACERT + INNER,
        POSTACERT.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        + base64.encodebytes(INNER.encode()).decode(),
        'Content-Type: application/octet-stream; name="postacert.eml"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(INNER.encode()).decode(),
    ],
    ids=["plain", "base64", "octet-stream"],
)
def test_the_transport_envelope_is_unwrapped(part: str) -> None:
    """Sender, subject, text and files come from inside; the answer goes to the writer, not to the provider."""
    text = read(
        multipart(NOTICE, part, headers=dict(OUTER)),
        Envelope(sender="posta-certificata@provider.example", recipients=("info@shop.example",)),
    )
    assert (text.certified, text.automatic) == (CertifiedKind.ENVELOPE, AutomaticKind.NONE)
    assert (text.sender, text.subject) == ("bianchi@pec.example", "Diffida")
    assert text.new_text == "Si diffida a consegnare la merce."
    assert [a.name for a in text.attachments] == ["diffida.pdf"]
    assert text.message_id == "<inner@pec.example>"
    assert text.reply_to_address == "bianchi@pec.example"


def test_an_anomaly_envelope_holds_ordinary_mail() -> None:
    """Ordinary mail that entered a PEC mailbox is read, and is not authenticated."""
    text = read(multipart(NOTICE, POSTACERT + INNER, headers={**OUTER, "X-Trasporto": "errore"}))
    assert (text.certified, text.authenticated) == (CertifiedKind.ANOMALY, False)
    assert (text.sender, text.new_text) == ("bianchi@pec.example", "Si diffida a consegnare la merce.")


@pytest.mark.parametrize("kind", ["accettazione", "avvenuta-consegna", "non-accettazione", "mancata-consegna"])
def test_receipts_refer_to_what_they_are_about(kind: str) -> None:
    """A receipt is automatic, names the message it refers to, and is never answered."""
    text = read(mail(headers={"X-Ricevuta": kind, "X-Riferimento-Message-ID": "<ours@shop.example>"}))
    assert (text.certified, text.automatic) == (CertifiedKind.RECEIPT, AutomaticKind.RECEIPT)
    assert (text.refers_to, text.reply_to_address) == ("<ours@shop.example>", "")


@pytest.mark.parametrize(
    ("kind", "is_lost"),
    [
        ("accettazione", False),
        ("avvenuta-consegna", False),
        ("preavviso-errore-consegna", False),
        ("errore-consegna", True),
        ("non-accettazione", True),
        ("Rilevazione-Virus", True),
    ],
)
def test_a_receipt_says_whether_the_message_arrives(kind: str, is_lost: bool) -> None:
    """A refusal is told from a receipt; the warning that comes before it is still open."""
    assert ("pec:not_delivered" in read(mail(headers={"X-Ricevuta": kind})).defects) is is_lost


@pytest.mark.parametrize("part", [NOTICE, POSTACERT + "\x00\x01 nothing", POSTACERT])
def test_lm28_a_malformed_envelope_is_ordinary_mail_with_a_defect(part: str) -> None:
    """An envelope without its message is read like any mail; its writer stands in Reply-To."""
    text = read(multipart(NOTICE, part, headers=dict(OUTER)))
    assert (text.certified, text.sender) == (CertifiedKind.NONE, "bianchi@pec.example")
    assert "pec:malformed" in text.defects
    assert "Messaggio di posta certificata" in text.new_text


def test_real_certified_mail_is_recognised() -> None:
    """Two real receipts and two real transport envelopes are what they are."""
    folder = SHARED / "data" / "eml" / "oca-l10n-italy-pec"
    if not folder.is_dir():
        require("shared", "the shared mail (../shared/data/eml) is not beside this repository")
    texts = {path.name: read_mail(path.read_bytes(), ENVELOPE) for path in folder.iterdir()}
    kinds = sorted(text.certified.value for text in texts.values())
    assert kinds == ["envelope", "envelope", "receipt", "receipt"]
    for name, text in texts.items():
        assert (text.certified is CertifiedKind.RECEIPT) == (not name.startswith("POSTA_CERTIFICATA"))
        assert text.is_readable
        assert not text.sender.startswith("posta-certificata@") or text.certified is CertifiedKind.RECEIPT
