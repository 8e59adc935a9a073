"""HTML to what a person sees: lines, quotations, hidden text, and no input that takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.html_text import html_to_text
from itaca.mail.limits import Limits
from tests.support.written_mail import mail, read


def test_blocks_become_lines_and_scripts_vanish() -> None:
    """Paragraphs, breaks and cells separate words; scripts, styles and the title are not text."""
    html = "<html><head><title>t</title><style>p{}</style></head><body><p>uno&nbsp;due<br>tre</p><script>x()</script>"
    html += "<table><tr><td>a</td><td>b</td></tr></table></body></html>"
    assert html_to_text(html).text.split("\n") == ["uno due", "tre", "", "a b"]


def test_quoted_blocks_are_marked() -> None:
    """Quotations of mail programs come out with a mark, so that answers between them stay new."""
    html = '<p>Rispondo:</p><blockquote type="cite"><p>Quando?</p></blockquote><p>Ieri.</p>'
    text = read(mail(html, {"Content-Type": "text/html; charset=utf-8"}))
    assert text.new_text.split() == ["Rispondo:", "Ieri."]
    assert text.quoted_text == "> Quando?"
    assert text.is_html_only


@pytest.mark.parametrize(
    "hidden",
    [
        '<span style="display: none">X</span>',
        '<div style="font-size:0px">X</div>',
        '<p style="visibility:HIDDEN">X</p>',
        "<p hidden>X</p>",
        '<font color="white">X</font>',
        '<span style="color: #FFFFFF">X</span>',
        '<div style="opacity:0">X</div>',
    ],
)
def test_hidden_text_is_dropped_and_noted(hidden: str) -> None:
    """What nobody sees is not what the customer wrote; much of it is noted."""
    html = "<p>Voglio il rimborso</p>" + hidden.replace("X", "ordine " * 20)
    text = read(mail(html, {"Content-Type": "text/html; charset=utf-8"}))
    assert text.new_text == "Voglio il rimborso"
    assert "html:hidden_text" in text.defects


def test_white_text_on_a_background_is_visible() -> None:
    """White letters on a coloured cell are seen by everybody."""
    assert (
        html_to_text('<table bgcolor="navy"><tr><td><font color="white">ciao</font></td></tr></table>').text == "ciao"
    )


@pytest.mark.parametrize(
    "style",
    [
        "color:#fefefe",
        "color: rgb(250, 250, 250)",
        "color:#336699; background:#336699",
        "font-size:1px",
        "width:0; height:0; overflow:hidden",
        "margin-left:-9999px",
    ],
)
def test_more_ways_to_hide(style: str) -> None:
    """Letters nearly white, of the colour behind them, of no size or off the page are hidden, and kept apart."""
    result = html_to_text(f'<p>visibile</p><p style="{style}">nascosto altrove</p>')
    assert (result.text, result.unseen) == ("visibile", "nascosto altrove")


@pytest.mark.parametrize(
    "style", ["color:#f00", "font-size:1em", "margin-left:-100px", "color:#336699", "font:1em serif"]
)
def test_ordinary_styles_hide_nothing(style: str) -> None:
    """Red letters of ordinary size are seen."""
    assert html_to_text(f'<p style="{style}">visibile</p>').text == "visibile"


def test_words_that_stand_for_pictures_are_kept_apart() -> None:
    """What a picture says to those who do not see it is no part of the text, and is not lost."""
    result = html_to_text('<p>ciao</p><img src="x" alt="la caldaia perde">')
    assert (result.text, result.unseen) == ("ciao", "la caldaia perde")
    assert html_to_text('<img alt="la caldaia perde">').is_hidden_only


@pytest.mark.parametrize(
    "html", ["<noscript>{}</noscript>", "<svg><text>{}</text></svg>", "<select><option>{}</select>"]
)
def test_what_some_programs_show_is_text(html: str) -> None:
    """Mail programs run no scripts, draw drawings and show choices."""
    assert html_to_text(html.format("la caldaia perde")).text == "la caldaia perde"


def test_text_that_is_hidden_altogether_is_read_with_a_defect() -> None:
    """A mail of which everything is hidden is not empty: it is read, and noted."""
    text = read(mail('<p style="display:none">Voglio il rimborso</p>', {"Content-Type": "text/html"}))
    assert text.new_text == "Voglio il rimborso"
    assert "text:hidden_only" in text.defects


@pytest.mark.parametrize(
    "bomb",
    [
        "<a " * 170_000,
        "<div>" * 100_000,
        "<!--" * 100_000,
        "<![" * 100_000,
        "<" * 500_000,
        "<script>" * 60_000,
        "<style" * 80_000,
        "<a " + "".join(f'x{n}="" ' for n in range(30_000)) + ">",
        "<table><tr><td>" * 6_000,
        "<plaintext>" + "<b>" * 10_000,
        "&amp;" * 100_000,
        "<blockquote type=cite>" * 250 + "a<br>" * 15_000,
    ],
    ids=lambda bomb: bomb[:12],
)
def test_lm13_html_bombs_take_no_time(bomb: str) -> None:
    """Inputs that cost other parsers minutes are recognised by a scan, or parsed in time."""
    start = time.process_time()
    html_to_text(bomb + "reclamo")
    assert time.process_time() - start < 6.0


def test_lm13_html_beyond_the_limits_keeps_its_text() -> None:
    """HTML that is too complex is stripped of its tags; its words stay."""
    result = html_to_text("<div>" * 300 + "Voglio <b>il</b> rimborso", Limits(html_depth=100))
    assert result.is_too_complex
    assert result.text.split() == ["Voglio", "il", "rimborso"]


@given(st.text(alphabet="<>/abp &;!-\"'=", max_size=200))
def test_any_markup_gives_text(html: str) -> None:
    """Whatever the markup, text comes out."""
    assert isinstance(html_to_text(html).text, str)
