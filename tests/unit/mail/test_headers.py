"""Header blocks, encoded words, parameters: as broken as they come, and never a control character out."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.defects import Defects
from itaca.mail.encoded_words import decode_header
from itaca.mail.headers import read_headers
from itaca.mail.limits import Limits
from itaca.mail.parameters import split_value
from tests.support.written_mail import mail, read


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?Dov=27=C3=A8_il_mio_ordine?=", "Dov'è il mio ordine"),
        ("=?utf-8?B?UGVyY2jDqQ==?=", "Perché"),
        ("=?utf-8?B?UGVyY2jD?= =?utf-8?B?qQ==?=", "Perché"),
        ("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"),
        ("=?iso-8859-1*it?Q?perch=E9?= no", "perché no"),
        ("=?utf-8?Q?Reclamo_urg=C3=A8", "Reclamo urgè"),
        ("=?bogus?Q?caff=E8?=", "caffè"),
        ("=?utf-8?Q?a=0ABcc:_x@y?=", "a Bcc: x@y"),
        ("=?utf-8?Q?con spazi dentro?=", "con spazi dentro"),
        ("=??= =?x?Q =?=", "=??= =?x?Q =?="),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    """Encoded words are decoded as people meant them: split characters, cut words, unknown charsets, spaces."""
    assert decode_header(value) == text


@pytest.mark.parametrize("raw", ["perché".encode(), "perché".encode("cp1252")])
def test_raw_eight_bit_headers_are_read(raw: bytes) -> None:
    """A header of raw 8-bit bytes is decoded by its looks."""
    assert decode_header(raw) == "perché"


def test_encoded_words_beyond_the_limit_stay_as_they_are() -> None:
    """Only the first words are decoded; the rest is noted."""
    defects = Defects()
    text = decode_header("=?utf-8?Q?x?= " * 300, Limits(encoded_words=200), defects)
    assert text.startswith("x" * 200)
    assert "limit:encoded_words" in defects


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: f"=?utf-8?Q?{t}?={t}")))
def test_no_control_character_comes_out(value: bytes | str) -> None:
    """Whatever goes in, one line without control characters comes out: nothing can be injected by re-using it."""
    out = decode_header(value)
    out.encode("utf-8")
    assert not [c for c in out if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename*1="b.pdf"; filename*0="a-"', "a-b.pdf"),
        ("attachment; filename*0*=utf-8''caff%C3; filename*1*=%A8.pdf", "caffè.pdf"),
        ("attachment; filename*0=a; filename*2=c", "ac"),
        ("attachment; filename*=iso-8859-1'it'perch%E9.txt; filename=x", "perché.txt"),
        ('attachment; filename="=?utf-8?Q?caff=C3=A8.pdf?="', "caffè.pdf"),
        ('attachment; filename="un\\"terminated', 'un"terminated'),
        ("attachment; filename=my file.pdf", "my file.pdf"),
    ],
)
def test_parameters_of_rfc_2231(value: str, name: str) -> None:
    """Pieces out of order, pieces missing, charsets and wrong quotation still give the name."""
    assert split_value(value)[1]["filename"] == name


def test_missing_pieces_are_noted() -> None:
    """A parameter with a gap is a defect of the mail."""
    defects = Defects()
    split_value("a; n*0=x; n*2=y", Limits(), defects)
    assert "header:parameter" in defects


def test_headers_beyond_the_limits_are_cut_but_the_needed_ones_are_found() -> None:
    """Behind a hundred thousand headers the sender, the subject and the text are still there."""
    noise = b"".join(b"X-%d: y\r\n" % n for n in range(100_000))
    text = read(noise + mail("reclamo"))
    assert (text.sender, text.subject, text.new_text) == ("mario@example.org", "Il mio ordine", "reclamo")
    assert {"limit:header_block_bytes", "limit:header_fields"} <= set(text.defects)


@pytest.mark.parametrize(
    "raw",
    [
        b"From mario Thu Jul  3 10:12:00 2025\nSubject: x\n\nciao",
        b"no colon here\nSubject: x\n\nciao",
        b"Subject : x\n\nciao",
        b"\xef\xbb\xbfSubject: x\r\n\r\nciao",
        b"Subject: x\r\rciao",
    ],
)
def test_odd_header_blocks(raw: bytes) -> None:
    """An mbox line, a missing colon, a space before one, a byte order mark, old line ends: all are read."""
    text = read(raw)
    assert (text.subject, text.new_text) == ("x", "ciao")


def test_a_mail_without_header_is_all_text() -> None:
    """What does not look like a header is the body."""
    headers, body = read_headers(b"Buongiorno\nnon ho ricevuto nulla\n\nMario", 0, 38)
    assert (list(headers), body) == ([], 0)


def test_duplicate_headers_take_the_first() -> None:
    """Of two subjects the first counts; two From fields are noted."""
    text = read(b"From: a@x.example\nFrom: b@x.example\nSubject: uno\nSubject: due\n\nciao")
    assert (text.sender, text.subject) == ("a@x.example", "uno")
    assert "header:several_from" in text.defects
