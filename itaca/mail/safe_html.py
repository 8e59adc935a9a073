"""The HTML of a mail made safe to show: nothing in it runs, fetches, sends, covers or links."""

import nh3

from itaca.mail.certified import open_certified
from itaca.mail.charsets import decode_text
from itaca.mail.defects import Defects
from itaca.mail.limits import DEFAULT_LIMITS, Limits
from itaca.mail.structure import Part, read_structure

MAX_HTML_BYTES = 2 * 1024 * 1024
"""Larger HTML is shown as its text only."""
_HTML = frozenset({"text/html", "application/xhtml+xml"})


def _names(words: str) -> set[str]:
    return set(words.split())


_TAGS = _names(
    "a abbr address article b bdi bdo blockquote br caption center cite code col colgroup dd del div dl dt em font "
    "footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main ol p pre q s samp section small span strike strong sub "
    "sup table tbody td tfoot th thead tr tt u ul"
)
_WITH_CONTENT = _names("script style title template noscript iframe object svg math select textarea audio video")
# No style, class, id, src, href or event: what could fetch, cover the page or imitate it is never among them.
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "img": {"alt"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "ol": {"start"},
}


def safe_html(html: str) -> str:
    """Return what may be shown of an HTML document, as a fragment.

    Kept are words and their structure. A link stays as its words, a picture as its description.
    """
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
    )


def safe_html_of(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Return what may be shown of the HTML of a mail; None where it has none, or too much of it.

    It may take seconds and much memory on hostile input: call it where it can be killed.
    """
    defects = Defects()
    part = _html_part(open_certified(read_structure(raw, limits, defects), limits, defects).mail)
    if part is None or part.end - part.start > 2 * MAX_HTML_BYTES:
        return None
    data = part.content(defects)
    if len(data) > MAX_HTML_BYTES:
        return None
    return safe_html(decode_text(data, part.parameters.get("charset", "")).text)


def _html_part(root: Part) -> Part | None:
    """Return the first HTML part that is no attachment, whatever it stands in."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.content_type in _HTML and part.disposition != "attachment":
            return part
        if not part.is_enclosed_mail:
            waiting += reversed(part.children)
    return None
