"""What a customer sent, made safe to show: marks, pictures, HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.contracts.events import Span
from itaca.contracts.intents import Intent
from itaca.mail.safe_html import MAX_HTML_BYTES, safe_html, safe_html_of
from services.desk.highlights import highlight
from services.desk.pictures import picture_type
from tests.support.case_facts import judgement
from tests.support.examples import examples
from tests.support.written_mail import mail, multipart

COMPLAINT, ORDER = Intent.COMPLAINT, Intent.ORDER


def span(start: int, end: int, weight: float = 1.0, intent: Intent = COMPLAINT, view: str = "new") -> Span:
    return Span(intent=intent, view=view, start=start, end=end, weight=weight, why="x")  # type: ignore[arg-type]


def judged(*spans: Span, complaint: str = "Y", order: str = "Y"):
    return judgement(order, complaint).model_copy(update={"spans": spans})


def test_the_words_that_spoke_are_marked_by_what_they_spoke_for() -> None:
    """Where marks overlap the heavier one shows; all pieces together are the text."""
    pieces = highlight("non è arrivato", "new", judged(span(0, 8), span(4, 14, 2.0, ORDER)))
    assert [(p.text, p.intent) for p in pieces] == [("non ", COMPLAINT), ("è arrivato", ORDER)]


def test_what_spoke_against_or_for_nothing_is_not_marked() -> None:
    """Nor is a mark of another view, or one beyond the text."""
    spans = (span(0, 3, -1.0), span(0, 3, intent=ORDER), span(0, 3, view="subject"), span(2, 99))
    assert [p.intent for p in highlight("testo", "new", judged(*spans, order="N"))] == [None]


@examples(0.6)
@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=8))
def test_marking_loses_no_character(text: str, places: list[tuple[int, int]]) -> None:
    """Whatever the marks say, the customer's words stand there whole."""
    pieces = highlight(text, "new", judged(*(span(a, b) for a, b in places)))
    assert "".join(piece.text for piece in pieces) == text


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"RIFF1234WEBPrest", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_picture_is_one_by_its_bytes(data: bytes, kind: str | None) -> None:
    """A drawing with a program in it is none, whatever its name."""
    assert picture_type(data) == kind


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='https://evil.example'>x</a>",
        "<form action=https://evil.example><input name=password></form>",
        "<style>body{background:url(https://evil.example)}</style>",
        "<p style='position:fixed;background:url(//evil.example)'>x</p>",
        "<iframe src=https://evil.example></iframe>",
        "<link rel=stylesheet href=https://evil.example>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<base href=https://evil.example>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<video poster=https://evil.example><source src=https://evil.example></video>",
        "<table background=https://evil.example><td background=https://evil.example>x</table>",
        "<!--[if mso]><img src=https://evil.example><![endif]-->",
    ],
)
def test_nothing_that_runs_fetches_sends_or_covers_is_left(hostile: str) -> None:
    """Of hostile HTML the words stay."""
    shown = safe_html(f"<p>prima</p>{hostile}<p>dopo</p>").lower()
    for trace in (
        "script",
        "alert",
        "evil",
        "href",
        "src",
        "style",
        "onerror",
        "<form",
        "<input",
        "<iframe",
        "http-equiv",
    ):
        assert trace not in shown
    assert "prima" in shown


def test_the_html_of_a_mail_is_found_wherever_it_stands() -> None:
    """In an alternative inside other parts; an HTML file that is attached is not the mail's own."""
    plain = "Content-Type: text/plain\r\n\r\nciao"
    html = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>perch\u00e9 <b>no</b></p>"
    assert "<b>no</b>" in (safe_html_of(multipart(plain, html, kind="alternative")) or "")
    attached = "Content-Type: text/html\r\nContent-Disposition: attachment; filename=x.html\r\n\r\n<p>x</p>"
    assert safe_html_of(multipart(plain, attached)) is None


def test_html_beyond_the_limit_is_not_shown_at_all() -> None:
    """Its text stands beside it anyway."""
    large = mail("<div>" * (MAX_HTML_BYTES // 4), {"Content-Type": "text/html"})
    assert safe_html_of(large) is None
