"""The decode ladder ends for any bytes and any label."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.charsets import clean_text, codec_of, decode_text

ITALIAN = "Perché la merce non è arrivata? Costa 20 €."


@pytest.mark.parametrize(
    "label", ["rot13", "idna", "hex", "hex_codec", "zlib", "unicode_escape", "undefined", "bogus", "", "1"]
)
def test_lm12_a_label_of_no_use_is_no_error(label: str) -> None:
    """Unknown labels, and names of Python codecs that are no charsets, fall through to what the bytes look like."""
    assert codec_of(label) == ""
    assert decode_text(ITALIAN.encode("cp1252"), label).text == ITALIAN
    assert decode_text(ITALIAN.encode(), label).text == ITALIAN


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("uft-8", "utf_8"),
        ("ANSI_X3.4-1968", "ascii"),
        ("iso-8859-1", "cp1252"),
        ("cp-850", "cp850"),
        ("iso-8859-8-i", "iso8859_8"),
        ('"utf-8; format=flowed"', "utf_8"),
        ("x-sjis", "cp932"),
        ("utf-8*it", "utf_8"),
    ],
)
def test_lm12_labels_as_they_come_are_understood(label: str, codec: str) -> None:
    """Misspelt and decorated labels from real mail name the codec that was meant."""
    assert codec_of(label) == codec


def test_utf8_wins_over_an_eight_bit_label() -> None:
    """Bytes that are valid UTF-8 are UTF-8, whatever single-byte charset is declared."""
    decoded = decode_text(ITALIAN.encode(), "iso-8859-1")
    assert (decoded.text, decoded.defect) == (ITALIAN, "charset:mislabelled")


def test_windows_text_that_calls_itself_utf8_is_read() -> None:
    """windows-1252 labelled as UTF-8 is told from damaged UTF-8."""
    assert decode_text(ITALIAN.encode("cp1252"), "utf-8").text == ITALIAN
    damaged = ITALIAN.encode()[:-3] + b"\xff"
    assert decode_text(damaged, "utf-8").text.startswith("Perché la merce non è arrivata")


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Здравствуйте, мой заказ до сих пор не пришёл, верните деньги пожалуйста. " * 3, "koi8_r"),
        ("注文した本がまだ届きません。返金してください。" * 3, "cp932"),
    ],
)
def test_other_scripts_without_a_label_are_detected(text: str, codec: str) -> None:
    """Text without a label in another script is recognised by its bytes."""
    decoded = decode_text(text.encode(codec))
    assert (decoded.text, decoded.defect) == (text, "charset:detected")


def test_text_in_ascii_that_calls_itself_utf16_stays_text() -> None:
    """A wrong label does not turn Italian into Chinese."""
    assert decode_text(b"la caldaia", "utf-16") == ("la caldaia", "ascii", "charset:mislabelled")


@pytest.mark.parametrize("label", ["", "x-nobody-knows"])
def test_bytes_of_no_charset_are_said_to_be_unreadable(label: str) -> None:
    """Where neither the label nor the looks say what it is, a person must look."""
    assert decode_text("la caldaia perde".encode("cp037"), label).defect in ("charset:unreadable", "charset:detected")
    assert decode_text("la caldaia perde".encode("cp037"), "x-nobody-knows").defect == "charset:unreadable"


def test_clean_text_leaves_nothing_that_a_database_refuses() -> None:
    """NUL, controls and lone surrogates are gone; every kind of line break is a newline."""
    assert clean_text("a\x00b\x07c\r\nd\re\x85f\u2028g\ud800h\ti") == "abc\nd\ne\nf\ng\ufffdh\ti"


@given(st.binary(max_size=600), st.text(max_size=40))
def test_the_ladder_is_total(data: bytes, label: str) -> None:
    """Any bytes under any label give text that is valid Unicode without NUL or carriage return."""
    text = decode_text(data, label).text
    text.encode("utf-8")
    json.dumps(text)
    assert not {"\x00", "\r", "\x1b"} & set(text)
