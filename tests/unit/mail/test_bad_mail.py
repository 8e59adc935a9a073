"""Mail as bad as it comes, row by row of docs/bad-mail.md: read as far as it can be, or said to be unread."""

import base64
from collections.abc import Callable

import pytest

from itaca.mail.defects import is_serious, meaning
from itaca.mail.limits import Limits
from itaca.mail.model import AutomaticKind, MailText
from itaca.mail.read import extract_attachments
from itaca.mail.rules import ReadingRules
from tests.support.bombs import nested
from tests.support.written_mail import ENVELOPE, mail, multipart, read

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
SAYS = "la caldaia perde"


def is_seen(text: MailText) -> bool:
    """Say whether the words were read, or a person looks because they may not have been."""
    whole = f"{text.subject}\n{text.new_text}\n{text.quoted_text}"
    return SAYS in whole or not text.is_readable or any(map(is_serious, text.defects))


BYTES: dict[str, bytes] = {
    "bare CR": mail(f"ciao\r{SAYS}\rciao"),
    "bare LF": mail(f"ciao\n{SAYS}\nciao").replace(b"\r\n", b"\n"),
    "NUL": mail(f"ciao\0 {SAYS}\0"),
    "8-bit without a word about it": mail(f"perché {SAYS}", {"Content-Type": None, "MIME-Version": None}),
    "a byte order mark first": b"\xef\xbb\xbf" + mail(SAYS),
    "a line of 1,200 bytes": mail(f"{'a' * 1_200} {SAYS}"),
    "a line of 70,000 bytes": mail(f"{'a' * 70_000} {SAYS}"),
    "a line of 5,000,000 bytes": mail(f"{SAYS} {'a' * 5_000_000}"),
    "no line end at the end": mail(SAYS),
    "only a header": mail("", {"Subject": SAYS})[:-2],
    "only a body": f"\r\n{SAYS}".encode(),
    "a body without a blank line": SAYS.encode(),
}
HEADERS: dict[str, bytes] = {
    "no From, Date, Message-ID, Subject": mail(SAYS, dict.fromkeys(("From", "Date", "Message-ID", "Subject"))),
    "each field twice": mail(SAYS)[: mail(SAYS).index(b"\r\n\r\n") + 2] + mail(SAYS),
    "a name without colon": b"Buongiorno\r\n" + mail(SAYS),
    "a colon without name": b": x\r\n" + mail(SAYS),
    "a space before the colon": mail(SAYS).replace(b"Subject:", b"Subject :"),
    "an mbox line first": b"From mario Thu Jul  3 10:12:00 2025\r\n" + mail(SAYS),
    "a group of nobody": mail(SAYS, {"To": "undisclosed-recipients:;"}),
    "folded 5,000 times": mail(SAYS, {"X-Long": "a\r\n " * 5_000}),
    "an encoded word that is nested": mail(SAYS, {"Subject": "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?="}),
    "an injected line": mail(SAYS, {"Subject": "=?utf-8?Q?a=0D=0ABcc:_x@y.example?="}),
    "1,000 pieces of a parameter": mail(
        SAYS, {"Content-Type": "text/plain" + "".join(f'; name*{n}="a"' for n in range(1_000, 0, -1))}
    ),
    "raw UTF-8": mail(SAYS, {"From": "José <josé@exämple.org>"}),
    "raw latin-1": mail(SAYS, {"Subject": "X"}).replace(b"Subject: X", b"Subject: perch\xe9"),
    "a date of 1970": mail(SAYS, {"Date": "Thu, 1 Jan 1970 00:00:00 +0000"}),
    "a date of 2099": mail(SAYS, {"Date": "Fri, 31 Dec 2099 23:59:59 -1200"}),
    "a date that is none": mail(SAYS, {"Date": "ieri"}),
    "a date without zone": mail(SAYS, {"Date": "3 Jul 2025 10:12"}),
    "51 Received": b"Received: by x\r\n" * 51 + mail(SAYS),
    "101 Received": b"Received: by x\r\n" * 101 + mail(SAYS),
}
_LABELS = [
    *("bogus", "", "unknown", "unknown-8bit", "x-user-defined", "idna", "rot13", "hex", "zlib", "unicode_escape"),
    *(
        "undefined",
        "utf-8; format=flowed",
        "iso-8859-8-i",
        "us-ascii",
        "iso-8859-1",
        "a" * 3_000,
        "utf_8_sig",
        "mbcs",
    ),
    *("raw_unicode_escape", "punycode", "base64", "quopri", "bz2", "uu", "oem", "palmos", "string-escape"),
]
CHARSETS: dict[str, bytes] = {
    **{label[:30] or "empty": mail(SAYS, {"Content-Type": f'text/plain; charset="{label}"'}) for label in _LABELS},
    **{
        f"{codec} as {label}": mail(SAYS.encode(codec), {"Content-Type": f"text/plain; charset={label}"})
        for codec, label in [
            *(("utf-8", "us-ascii"), ("cp1252", "iso-8859-1"), ("latin-1", "utf-8"), ("utf-16-le", "utf-16")),
            *(("utf-16-be", "utf-16be"), ("utf-7", "utf-7"), ("utf-32", "utf-32"), ("ascii", "utf-16")),
            *(("gb2312", "gb2312"), ("big5", "big5"), ("iso2022_jp", "iso-2022-jp"), ("koi8-r", "koi8-r")),
            *(("cp437", "cp437"), ("cp037", "ibm037"), ("cp037", "x-mainframe"), ("utf-16-le", "us-ascii")),
        ]
    },
}
_CODED = base64.b64encode(SAYS.encode()).decode()
ENCODINGS: dict[str, bytes] = {
    name: mail(body, {"Content-Transfer-Encoding": encoding})
    for name, encoding, body in [
        ("base64 torn at its end", "base64", _CODED[:-1]),
        ("base64 with spaces", "base64", " ".join(_CODED)),
        ("base64 with padding in the middle", "base64", _CODED + "==" + _CODED),
        ("base64 with foreign letters", "base64", "!" + _CODED.replace("b", "b\0§", 1)),
        ("base64 that is none", "base64", SAYS),
        ("quoted-printable ending in =", "quoted-printable", SAYS + "="),
        ("quoted-printable with =ZZ", "quoted-printable", SAYS + " =ZZ"),
        ("quoted-printable broken inside a character", "quoted-printable", f"perch=C3=\r\n=A9 {SAYS}"),
        ("an unknown encoding", "rot13", SAYS),
        ("two encodings", "base64\r\nContent-Transfer-Encoding: 7bit", SAYS),
        ("8-bit in a 7bit part", "7bit", f"perché {SAYS}"),
        ("yEnc", "8bit", f"=ybegin line=128 size=3 name=a\r\nabc\r\n=yend size=3\r\n{SAYS}"),
        ("BinHex", "8bit", f"(This file must be converted with BinHex 4.0)\r\n:abc:\r\n{SAYS}"),
    ]
} | {
    "an encoding on a multipart": multipart(PLAIN + SAYS, headers={"Content-Transfer-Encoding": "base64"}),
}
_PART = PLAIN + SAYS
STRUCTURES: dict[str, bytes] = {
    **{f"nested {depth} deep": nested(depth).replace(b"reclamo", SAYS.encode()) for depth in (10, 49, 100, 1_000)},
    "a boundary of 300 characters": mail(
        f"--{'b' * 300}\r\n{_PART}\r\n--{'b' * 300}--", {"Content-Type": f"multipart/mixed; boundary={'b' * 300}"}
    ),
    "a boundary like an expression": mail(
        f"--(a+)+$\r\n{_PART}\r\n--(a+)+$--", {"Content-Type": 'multipart/mixed; boundary="(a+)+$"'}
    ),
    "a boundary inside a part": multipart(f"{PLAIN}ciao\r\n --frontier\r\nx--frontier\r\n{SAYS}"),
    "two boundaries": multipart(
        _PART, headers={"Content-Type": 'multipart/mixed; boundary="x"; boundary="frontier"'}
    ),
    "text before the first part": mail(
        f"{SAYS}\r\n--frontier\r\n\r\n--frontier--", {"Content-Type": "multipart/mixed; boundary=frontier"}
    ),
    "text after the last part": multipart(PLAIN + "ciao") + SAYS.encode(),
    "a multipart without parts": mail(SAYS, {"Content-Type": "multipart/mixed; boundary=frontier"}),
    "an alternative of pictures": multipart("Content-Type: image/png\r\n\r\nPNG", kind="alternative"),
    "a plain text with a name": multipart(f'Content-Type: text/plain; name="a.txt"\r\n\r\n{SAYS}'),
    "a plain text as attachment": multipart(
        f"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n{SAYS}"
    ),
    "a disposition that is none": multipart(f"Content-Type: text/plain\r\nContent-Disposition: ;;=\r\n\r\n{SAYS}"),
    "two types that differ": b"Content-Type: image/png\r\n" + mail(SAYS),
    "a type that is none": mail(SAYS, {"Content-Type": "text"}),
    "a part of a mail": mail(SAYS, {"Content-Type": 'message/partial; number=1; total=2; id="x"'}),
    "a text that lies elsewhere": mail(SAYS, {"Content-Type": "message/external-body; access-type=URL"}),
}
ROWS = {"bytes": BYTES, "headers": HEADERS, "charsets": CHARSETS, "encodings": ENCODINGS, "structures": STRUCTURES}
_CASES = [(row, name) for row, table in ROWS.items() for name in table]


@pytest.mark.parametrize(("row", "name"), _CASES, ids=lambda part: part)
def test_bad_mail_is_read_or_seen(row: str, name: str) -> None:
    """Words that stand in a broken mail are read, or the mail says that a person must look."""
    text = read(ROWS[row][name])
    assert "reading:failed" not in text.defects
    assert is_seen(text), (text.new_text[:200], text.defects)
    assert "\n" not in text.subject + text.sender + text.sender_name
    assert [file for file, _ in extract_attachments(ROWS[row][name])] == list(text.attachments)


@pytest.mark.parametrize("raw", [b"", b"\r\n", b" \t\r\n", b"\r\n\r\n\r\n", mail(""), mail("  \r\n\t")])
def test_a_mail_of_nothing_is_read(raw: bytes) -> None:
    """An empty mail, white space and a header alone are no errors, and hold nothing that nobody read."""
    text = read(raw)
    assert (text.new_text.strip(), text.is_readable) == ("", True)


def test_every_defect_has_words_for_people() -> None:
    """Whatever a broken mail notes can be told to the person who looks at it."""
    noted = {code for table in ROWS.values() for raw in table.values() for code in read(raw).defects}
    assert len(noted) > 12
    assert {code for code in noted if meaning(code) == code} == set()


SPECIAL: dict[str, tuple[bytes, Callable[[MailText], bool]]] = {
    "a calendar request": (
        multipart(_PART, "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR", kind="alternative"),
        lambda text: text.new_text == SAYS,
    ),
    "S/MIME, signed": (
        multipart(_PART, "Content-Type: application/pkcs7-signature\r\n\r\nx", kind="signed"),
        lambda text: text.new_text == SAYS and text.is_readable,
    ),
    "S/MIME, opaque": (
        mail("MIIB", {"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}),
        lambda text: not text.is_readable and "mime:opaque_signed" in text.defects,
    ),
    "S/MIME, encrypted": (
        mail("MIIB", {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data"}),
        lambda text: not text.is_readable and "mime:encrypted" in text.defects,
    ),
    "PGP inline": (
        mail(f"-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n{SAYS}\r\n-----BEGIN PGP SIGNATURE-----"),
        lambda text: SAYS in text.new_text,
    ),
    "our own acknowledgement, delivered back": (
        mail(SAYS, {"Auto-Submitted": "auto-replied", "From": "info@shop.example"}),
        lambda text: text.automatic is AutomaticKind.AUTO_REPLY and not text.reply_to_address,
    ),
    "a challenge": (
        mail("Click to prove that you are human", {"Precedence": "bulk", "Auto-Submitted": "auto-replied"}),
        lambda text: text.automatic is AutomaticKind.AUTO_REPLY and not text.reply_to_address,
    ),
    "a picture alone, as telephones send it": (
        mail("iVBORw0K", {"Content-Type": "image/png; name=IMG_1.PNG", "Content-Transfer-Encoding": "base64"}),
        lambda text: not text.is_readable and len(text.attachments) == 1,
    ),
    "an empty text with a picture": (
        multipart(PLAIN, "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/"),
        lambda text: not text.is_readable,
    ),
    "a voice": (
        multipart("Content-Type: audio/amr; name=voce.amr\r\nContent-Transfer-Encoding: base64\r\n\r\nIyFB"),
        lambda text: not text.is_readable,
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_mail_is_what_it_is(name: str) -> None:
    """Signed, encrypted, automatic, pictured and spoken mail is told apart; what cannot be read has a person."""
    raw, holds = SPECIAL[name]
    text = read(raw)
    assert holds(text), text


@pytest.mark.parametrize(
    "header",
    [
        "Content-Disposition: attachment; filename=\"a.pdf\"; filename*=utf-8''b.pdf",
        'Content-Type: x/y; name="c.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"',
        'Content-Disposition: attachment; filename="=?utf-8?B?Li4vLi4vYS5wZGY=?="',
        'Content-Disposition: attachment; filename="/etc/cron.d/a.pdf"',
    ],
)
def test_names_that_disagree_give_one_harmless_name(header: str) -> None:
    """A file that is named in several ways has one name, without a path, and its bytes."""
    [(file, data)] = extract_attachments(multipart(PLAIN + "x", f"{header}\r\n\r\nbytes"))
    assert file.name in ("a.pdf", "b.pdf", "c.pdf")
    assert data == b"bytes"


def test_limits_stand_in_one_place_and_bind() -> None:
    """Every bound can be set, names itself when it is met, and is a reason to look where words are lost."""
    rules = ReadingRules(limits=Limits(text_files=1, subject_chars=10, forwarded_mails=1, attachments=1))
    note = f"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n{SAYS}"
    inner = f"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{PLAIN}{SAYS}"
    text = read(multipart(PLAIN + "x", note, note, inner, inner, headers={"Subject": "a" * 20}), ENVELOPE, rules)
    met = {"limit:text_files", "limit:subject_chars", "limit:forwarded_mails", "limit:attachments"}
    assert met <= set(text.defects)
    assert all(map(is_serious, met))
