"""Hypothesis strategies for whole mails: structure, headers, charsets, encodings, files, certified mail, and damage.

A ``Whole`` knows its words: tokens that a person sees who opens the mail in any program, so that a test can ask
whether each was judged. Damage is done to the bytes afterwards; what of the words is left then, nobody knows.
"""

import base64
import quopri
from dataclasses import dataclass

from hypothesis import strategies as st

CRLF = b"\r\n"
_CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "utf-16", "koi8-r", "us-ascii", "utf-7")
_FILLERS = ("Buongiorno,", "perché non è così?", "größere Mühe", "el niño", "Здравствуйте", "--", "* * *", "", "1) €")
_INSERTED = (
    *(b"\r\n\r\n", b"--", b"\x00", b"=?utf-8?Q?", b'"', b";", b"<", b"\xff\xfe", b"\n.\n", b"\r", b"=\r\n", b"<!--"),
    *(b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Transfer-Encoding: base64\r\n", b"begin 644 x\n"),
)
tokens = st.text("bcdfghlmnprstvz", min_size=7, max_size=9).map(lambda word: f"q{word}")


@dataclass(frozen=True)
class Whole:
    """One mail as it came, and the words a person sees in it."""

    raw: bytes
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """One part with its own header, and the words a person sees in it."""

    raw: bytes
    words: tuple[str, ...] = ()


def _part(content_type: str, data: bytes, encoding: str, *more: str) -> bytes:
    coded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(data)
    lines = [f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", *more]
    return "".join(f"{line}\r\n" for line in lines).encode() + CRLF + coded


@st.composite
def plain_texts(draw: st.DrawFn, kind: str = "plain", disposition: str = "") -> Piece:
    """Return a text of a few lines in some charset and encoding; some lines are quoted, some follow a signature."""
    words = draw(st.lists(tokens, min_size=1, max_size=4, unique=True))
    lines = [
        draw(st.sampled_from(("", "> ", "-- \r\n", "| "))) + f"{draw(st.sampled_from(_FILLERS))} {w}" for w in words
    ]
    charset = draw(st.sampled_from(_CHARSETS))
    encodings = ("base64",) if charset == "utf-16" else ("8bit", "quoted-printable", "base64")
    data = "\r\n".join(lines).encode(charset, "replace")
    more = (f"Content-Disposition: {disposition}",) if disposition else ()
    raw = _part(f"text/{kind}; charset={charset}", data, draw(st.sampled_from(encodings)), *more)
    return Piece(raw, tuple(words))


@st.composite
def html_texts(draw: st.DrawFn, words: tuple[str, ...] = ()) -> Piece:
    """Return an HTML page that shows these words, or some of its own, amid what most pages hold."""
    shown = words or tuple(draw(st.lists(tokens, min_size=1, max_size=4, unique=True)))
    frames = (
        "<p>{}</p>",
        "<div><b>{}</b></div>",
        "<table><tr><td>{}</td></tr></table>",
        "<blockquote>{}</blockquote>",
    )
    frames += (
        "<font color='red'>{}</font>",
        "<pre>{}</pre>",
        "<!-- x -->{}<br>",
        "<svg><text>{}</text></svg>",
        "{}",
    )
    body = "\n".join(draw(st.sampled_from(frames)).format(word) for word in shown)
    page = f"<html><head><title>t</title><style>p{{}}</style></head><body>{body}</body></html>"
    encoding = draw(st.sampled_from(("8bit", "quoted-printable", "base64")))
    return Piece(_part("text/html; charset=utf-8", page.encode(), encoding), shown)


@st.composite
def files(draw: st.DrawFn) -> Piece:
    """Return an attachment: bytes that nobody reads, under some name."""
    names = (
        "fattura.pdf",
        "../x.exe",
        "=?utf-8?Q?caff=C3=A8.pdf?=",
        "CON.txt.zip",
        "",
        "a" * 300,
        "foto\u202egpj.exe",
    )
    name, kind = (
        draw(st.sampled_from(names)),
        draw(st.sampled_from(("application/pdf", "image/png", "a/b", "audio/amr"))),
    )
    header = f'Content-Disposition: attachment; filename="{name}"'
    return Piece(_part(kind, draw(st.binary(max_size=40)), "base64", header))


def _joined(kind: str, pieces: list[Piece], boundary: str) -> Piece:
    mark = f"--{boundary}".encode()
    body = b"".join(mark + CRLF + piece.raw + CRLF for piece in pieces) + mark + b"--" + CRLF
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return Piece(head + body, tuple(word for piece in pieces for word in piece.words))


@st.composite
def alternatives(draw: st.DrawFn) -> Piece:
    """Return plain text and HTML; they say the same, or they do not."""
    plain = draw(plain_texts())
    page = draw(html_texts(plain.words if draw(st.booleans()) else ()))
    return _joined("alternative", [plain, page], draw(_boundaries))


@st.composite
def forwarded(draw: st.DrawFn, inner: Piece) -> Piece:
    """Return a mail inside another."""
    word = draw(tokens)
    return Piece(
        b"Content-Type: message/rfc822\r\n\r\nFrom: b@x.example\r\nSubject: " + word.encode() + CRLF + inner.raw,
        (word, *inner.words),
    )


@st.composite
def multiparts(draw: st.DrawFn, inner: st.SearchStrategy[Piece]) -> Piece:
    """Return some parts together; a mail inside another is one of them now and then."""
    pieces = draw(st.lists(inner, min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0:
        pieces.append(draw(forwarded(draw(plain_texts()))))
    return _joined(draw(st.sampled_from(("mixed", "related", "signed", "x-unknown"))), pieces, draw(_boundaries))


_boundaries = st.text("abcXYZ0123456789'()+_,./:=?-", min_size=1, max_size=20).map(lambda text: f"=_{text}_")
_leaves = st.one_of(
    plain_texts(),
    plain_texts("plain", "inline"),
    plain_texts("plain", "attachment"),
    html_texts(),
    files(),
    alternatives(),
)
bodies = st.recursive(_leaves, multiparts, max_leaves=6)
"""A text, a file, or a tree of them."""


@st.composite
def whole_mails(draw: st.DrawFn) -> Whole:
    """Return a mail that is in order, as far as mail is: odd headers, any structure, certified now and then."""
    body, word = draw(bodies), draw(tokens)
    subjects = (
        word,
        f"=?utf-8?Q?{word}_=C3=A8?=",
        f"=?utf-8?B?{base64.b64encode(word.encode()).decode()}?=",
        f"{word}?",
    )
    senders = (
        "Mario <m@x.example>",
        "m@x.example",
        '"R, M" <m@x.example> (x)',
        "",
        "undisclosed:;",
        "=?utf-8?Q?=C3=A8?= <m@x.example>",
    )
    fields = [
        f"From: {draw(st.sampled_from(senders))}",
        f"Subject: {draw(st.sampled_from(subjects))}",
        "To: info@shop.example",
    ]
    extra = (
        "Auto-Submitted: auto-generated",
        "References: <a@b> <c@d>",
        "Date: ieri",
        "Message-ID: <1@x>",
        "X-Spam: yes",
    )
    fields += draw(st.lists(st.sampled_from(extra), unique=True, max_size=3))
    head = "".join(f"{field}\r\n" for field in draw(st.permutations(fields))).encode()
    mail = Whole(head + body.raw, (word, *body.words))
    return draw(st.sampled_from((mail, mail, mail, _certified(mail))))


def _certified(mail: Whole) -> Whole:
    """Put a mail into a transport envelope of certified mail (RFC 6109)."""
    notice = Piece(_part("text/plain", b"Messaggio di posta certificata", "7bit"))
    inner = Piece(b'Content-Type: message/rfc822; name="postacert.eml"\r\n\r\n' + mail.raw)
    head = b"X-Trasporto: posta-certificata\r\nFrom: posta-certificata@pec.example\r\nSubject: POSTA CERTIFICATA\r\n"
    return Whole(head + _joined("mixed", [notice, inner], "pec-envelope").raw, mail.words)


@st.composite
def damaged_mails(draw: st.DrawFn) -> Whole:
    """Return a mail with bytes changed, lost, doubled or put in."""
    raw = bytearray(draw(whole_mails()).raw)
    for _ in range(draw(st.integers(1, 6))):
        place, length = draw(st.integers(0, len(raw))), draw(st.integers(0, 60))
        match draw(st.sampled_from(("change", "lose", "double", "insert", "cut"))):
            case "change":
                raw[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "lose":
                del raw[place : place + length]
            case "double":
                raw[place:place] = raw[max(0, place - length) : place]
            case "insert":
                raw[place:place] = draw(st.sampled_from(_INSERTED))
            case _:
                del raw[max(place, 1) :]
    return Whole(bytes(raw))


any_mails = st.one_of(whole_mails(), damaged_mails(), st.binary(max_size=300).map(Whole))
