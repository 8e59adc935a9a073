"""Which parts are text and which are files."""

import base64
import hashlib

import pytest

from itaca.mail.attachments import clean_name
from itaca.mail.limits import Limits
from itaca.mail.read import extract_attachments
from itaca.mail.rules import ReadingRules
from tests.support.shared import SHARED
from tests.support.written_mail import mail, multipart, read

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"
PDF = 'Content-Type: application/pdf; name="fattura.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'


def test_the_plain_part_of_an_alternative_is_read() -> None:
    """Where plain text and HTML say the same, the plain text counts."""
    text = read(multipart(PLAIN + "Voglio il rimborso", HTML + "<p>Voglio il rimborso</p>", kind="alternative"))
    assert (text.new_text, text.is_html_only) == ("Voglio il rimborso", False)


@pytest.mark.parametrize("stub", ["", "   ", "Il tuo programma di posta non supporta HTML.", "vedi"])
def test_a_plain_part_that_says_nothing_gives_way_to_the_html(stub: str) -> None:
    """An empty plain part, an excuse, or a stub next to a long HTML text is not what the customer wrote."""
    complaint = "la merce non è mai arrivata e voglio indietro i miei soldi. " * 3
    text = read(multipart(PLAIN + stub, HTML + f"<p>{complaint}</p>", kind="alternative"))
    assert "indietro i miei soldi" in text.new_text


def test_files_are_hashed_as_they_were_decoded() -> None:
    """An attachment is listed with the size and the SHA-256 of its decoded bytes, and can be had again."""
    data = bytes(range(256)) * 4
    raw = multipart(PLAIN + "in allegato", PDF + base64.encodebytes(data).decode())
    [attachment] = read(raw).attachments
    assert (attachment.name, attachment.size_bytes) == ("fattura.pdf", 1024)
    assert attachment.sha256 == hashlib.sha256(data).hexdigest()
    assert extract_attachments(raw) == [(attachment, data)]


def test_a_mail_of_files_only_is_unreadable() -> None:
    """A picture or a PDF without a word may be the complaint: a person looks."""
    text = read(multipart(PDF + base64.encodebytes(b"%PDF").decode()))
    assert not text.is_readable
    assert "text:none" in text.defects


def test_a_text_file_is_read_where_there_is_no_other_text() -> None:
    """A complaint that came as a text attachment is read."""
    note = 'Content-Type: text/plain; name="reclamo.txt"\r\nContent-Disposition: attachment\r\n\r\nVoglio il rimborso'
    text = read(multipart(note))
    assert (text.new_text, text.is_readable) == ("Voglio il rimborso", True)
    assert [a.name for a in text.attachments] == ["reclamo.txt"]
    assert "text:from_attachment" in text.defects


def test_a_text_file_beside_a_text_is_history() -> None:
    """A complaint in an attached file is judged below the mail's own words, and a person sees it in its place."""
    note = 'Content-Type: application/octet-stream; name="reclamo.txt"\r\n\r\nVoglio il rimborso'
    text = read(multipart(PLAIN + "vedi sotto", note))
    assert (text.new_text, text.quoted_text) == ("vedi sotto", "[reclamo.txt]\nVoglio il rimborso")
    assert "text:from_attachment" in text.defects


def test_alternatives_that_differ_are_both_read() -> None:
    """What only the HTML says is judged as well; where much differs, a person looks."""
    html = "<p>Grazie mille</p><p>la merce non è mai arrivata e voglio il rimborso</p>"
    text = read(multipart(PLAIN + "Grazie mille", HTML + html, kind="alternative"))
    assert (text.new_text, text.quoted_text) == ("Grazie mille", "la merce non è mai arrivata e voglio il rimborso")
    assert "text:alternatives_differ" in text.defects


@pytest.mark.parametrize("kind", ["related", "signed", "report"])
def test_an_enclosed_mail_is_history_in_any_multipart(kind: str) -> None:
    """A mail beside the text is read wherever it stands."""
    inner = "Content-Type: message/rfc822\r\n\r\nSubject: guasto\r\n\r\nla caldaia perde"
    assert "la caldaia perde" in read(multipart(PLAIN + "vedi", inner, kind=kind)).quoted_text


def test_an_enclosed_mail_is_history() -> None:
    """A mail forwarded as an attachment is read below the new text, and listed as a file."""
    inner = "Content-Type: message/rfc822\r\n\r\nFrom: b@x.example\r\nSubject: guasto\r\n\r\nla caldaia perde"
    text = read(multipart(PLAIN + "vedi sotto", inner))
    assert text.new_text == "vedi sotto"
    assert "Subject: guasto" in text.quoted_text
    assert "la caldaia perde" in text.quoted_text
    assert [a.name for a in text.attachments] == ["guasto.eml"]


def test_uuencoded_files_leave_the_text() -> None:
    """A uuencoded file is a file; the text around it stays."""
    text = read(mail("prima\r\nbegin 644 foto.jpg\r\n#0V%T\r\n`\r\nend\r\ndopo\r\n"))
    assert text.new_text.split() == ["prima", "dopo"]
    assert [(a.name, a.sha256) for a in text.attachments] == [("foto.jpg", hashlib.sha256(b"Cat").hexdigest())]


def test_winmail_dat_is_opened() -> None:
    """The files inside a winmail.dat are listed instead of the envelope nobody can open."""
    path = SHARED / "data" / "eml" / "mimekit" / "messages_tnef_winmail.eml"
    candidates = [p for p in sorted((SHARED / "data" / "eml").rglob("*.eml")) if b"ms-tnef" in p.read_bytes()]
    if not candidates:
        pytest.skip(f"no winmail.dat among the shared mail (looked beside {path.parent.name})")
    texts = [read(p.read_bytes()) for p in candidates]
    assert any(a.name != "winmail.dat" for text in texts for a in text.attachments)


def test_a_torn_winmail_dat_stays_a_file() -> None:
    """A winmail.dat that cannot be opened is kept as a file and noted; the mail needs a person."""
    part = 'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    text = read(multipart(part + base64.encodebytes(b"\x78\x9f\x3e\x22torn").decode()))
    assert [a.name for a in text.attachments] == ["winmail.dat"]
    assert not text.is_readable


def test_encrypted_mail_needs_a_person() -> None:
    """Encrypted content is said to be encrypted."""
    text = read(multipart("Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", kind="encrypted"))
    assert not text.is_readable
    assert "mime:encrypted" in text.defects


@pytest.mark.parametrize("boundary", ['boundary=""', "", 'boundary="other"'])
def test_lm13_a_multipart_without_its_boundary_keeps_its_text(boundary: str) -> None:
    """A boundary that is missing, empty or wrong is found in the body."""
    body = "--frontier\r\n" + PLAIN + "la merce è rotta\r\n--frontier--\r\n"
    text = read(mail(body, {"Content-Type": f"multipart/mixed; {boundary}"}))
    assert "la merce è rotta" in text.new_text


def test_an_unterminated_multipart_keeps_its_text() -> None:
    """A mail cut off in the middle is read to where it ends."""
    text = read(multipart(PLAIN + "la merce è rotta").replace(b"--frontier--", b""))
    assert text.new_text.strip() == "la merce è rotta"
    assert "mime:unterminated" in text.defects


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-uuencode", "nonsense"])
def test_broken_transfer_encodings_do_not_raise(encoding: str) -> None:
    """Text that is not encoded as it says is read as far as it can be."""
    text = read(mail("la merce è rotta = e =ZZ !!!", {"Content-Transfer-Encoding": encoding}))
    assert text.sender == "mario@example.org"


def test_base64_with_foreign_characters_and_a_torn_end() -> None:
    """Line noise, padding in the middle and a missing end cost no more than themselves."""
    torn = base64.b64encode(b"Voglio ").decode() + "=!?\r\n" + base64.b64encode(b"il rimborso").decode().rstrip("=")
    assert read(mail(torn, {"Content-Transfer-Encoding": "base64"})).new_text == "Voglio il rimborso"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\foto.jpg", "foto.jpg"),
        ("foto\u202egpj.exe", "fotogpj.exe"),
        ("a\r\nBcc: x.pdf", "a Bcc x.pdf"),
        ("CON.txt", "_CON.txt"),
        ("...", ""),
        ("fattura.pdf. . ", "fattura.pdf"),
        ("a\x00b.pdf", "ab.pdf"),
    ],
)
def test_file_names_are_made_harmless(hostile: str, harmless: str) -> None:
    """No path, control, bidi or reserved name comes out."""
    assert clean_name(hostile, 180) == harmless


def test_long_names_keep_their_extension() -> None:
    """A name of thousands of characters is cut to its bytes, never inside a character, and keeps its ending."""
    name = clean_name("è" * 4_000 + ".pdf", 180)
    assert len(name.encode()) <= 180
    assert name.endswith(".pdf")


def test_names_are_unique_and_bounded_in_number() -> None:
    """Five hundred files of one name are two hundred names and a defect."""
    text = read(multipart(PLAIN + "x", *([PDF + "JVBERg=="] * 500)))
    names = [a.name for a in text.attachments]
    assert len(names) == len(set(names)) == 200
    assert "limit:attachments" in text.defects


def test_lm13_part_and_text_limits_are_noted() -> None:
    """Limits can be set; what lies beyond is a defect of the mail, not an error."""
    rules = ReadingRules(limits=Limits(parts=5, text_chars=1_000))
    text = read(multipart(*([PLAIN + "parola " * 300] * 20)), rules=rules)
    assert {"limit:parts", "limit:text_chars"} <= set(text.defects)
    assert 0 < len(text.new_text) < 1_100
