"""HTML to the text a person would see, with bounds checked before any parser looks at it.

No HTML library is fast on every input; lxml was on all that were tried, given no absurd nesting and no tag with
thousands of attributes. What is too complex has its tags stripped by a linear scan instead.
"""

import re
from typing import NamedTuple

from lxml import etree

from itaca.mail.html_visibility import is_hidden
from itaca.mail.limits import DEFAULT_LIMITS, Limits

MAX_HIDDEN_SHARE = 0.3
MAX_HIDDEN_WORDS = 3


class HtmlText(NamedTuple):
    """Visible text; ``hidden_share`` is hidden characters over all characters, from 0 to 1.

    ``unseen`` is what most readers do not see: hidden text, and the words that stand for pictures.
    """

    text: str
    hidden_share: float
    is_too_complex: bool
    is_hidden_only: bool = False
    unseen: str = ""
    hidden_words: int = 0


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BLOCKS = _names(
    "address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header "
    "hr li main nav ol option p pre section table tbody td tfoot th thead tr ul"
)
_SPACED = _names("p h1 h2 h3 h4 h5 h6 blockquote ul ol table")
_CELLS = _names("td th")
_SENTENCE_WORDS = 4
_PICTURES = _names("img area input")
_DROPPED = _names("script style head title template")
_UNSHOWN = _names("iframe noframes noembed")
"""Shown by programs that know no better; mail programs rarely do."""
_UNNESTED = _names(
    "br img hr input meta link area base col embed source track wbr p li td th tr option dt dd thead tbody tfoot"
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})")
_ANY_TAG = re.compile(r"<[^<>]*>?")
_BIG_TAG = re.compile(r"<[a-zA-Z][^<>]{8000,}")
_SEPARATORS = re.compile(r"[\s=]+")
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_UNSEEN = re.compile(r"<(script|style|title|template)\b", re.IGNORECASE)


def html_to_text(html: str, limits: Limits = DEFAULT_LIMITS) -> HtmlText:
    """Return the visible text. Total; linear in the size of the HTML.

    Quoted blocks (``<blockquote type="cite">`` and the like) come out with ``> `` before each line, so that the
    rules about quotes see what a reader sees.
    """
    if _is_too_complex(html, limits):
        return HtmlText(strip_tags(html), 0.0, True)
    root = _parse(html)
    if root is None:
        return HtmlText(strip_tags(html), 0.0, False)
    page = _Page()
    _read_tree(root, page)
    text = page.text()
    hidden = "\n".join(page.hidden)
    unseen = _SPACES.sub(" ", "\n".join((*page.hidden, *page.alternatives))).strip()
    if not text.strip() and unseen:
        return HtmlText(unseen, 1.0, False, is_hidden_only=True)
    hidden_count, visible_count = len("".join(hidden.split())), len("".join(text.split()))
    share = hidden_count / max(1, hidden_count + visible_count)
    return HtmlText(text, share, False, unseen=unseen, hidden_words=len(hidden.split()))


def strip_tags(html: str) -> str:
    """Remove tags without understanding them; scripts and styles go with their content."""
    kept: list[str] = []
    position = 0
    unclosed: set[str] = set()
    for match in _UNSEEN.finditer(html):
        name = match[1].lower()
        if match.start() < position or name in unclosed:
            continue
        close = html.find("</" + match[1], match.end())
        if close < 0:
            # An unclosed script swallows the rest for a browser; here the rest is kept rather than lost.
            unclosed.add(name)
            continue
        kept.append(html[position : match.start()])
        position = close
    kept.append(html[position:])
    text = _ANY_TAG.sub("\n", "".join(kept))
    for entity, char in (
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(entity, char)
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()


def _is_too_complex(html: str, limits: Limits) -> bool:
    if len(html) > limits.html_bytes or html.count("<") > limits.html_tags:
        return True
    if any(len(_SEPARATORS.findall(tag)) > limits.html_tag_attributes for tag in _BIG_TAG.findall(html)):
        return True
    depth = 0
    for slash, name in _TAG.findall(html):
        if name.lower() not in _UNNESTED:
            depth = max(0, depth - 1) if slash else depth + 1
            if depth > limits.html_depth:
                return True
    return False


def _parse(html: str) -> etree._Element | None:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, recover=True)
    try:
        root: etree._Element | None = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None
    return root


class _Page:
    """Lines under construction, each with the depth of quotation it stands in."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._current: list[str] = []
        self.quote_depth = 0
        self.hidden: list[str] = []
        self.alternatives: list[str] = []
        """What pictures say to those who do not see them."""

    def add(self, text: str | None, is_preformatted: bool = False) -> None:
        if not text:
            return
        if not is_preformatted:
            self._current.append(_SPACES.sub(" ", text))
            return
        first, *others = text.split("\n")
        self._current.append(first)
        for line in others:
            self.end_line(force=True)
            self._current.append(line)

    def end_line(self, force: bool = False) -> None:
        line = "".join(self._current).strip(" ") if not force else "".join(self._current).rstrip()
        self._current = []
        if line or force:
            self._lines.append((self.quote_depth, line))

    def text(self) -> str:
        self.end_line()
        prefixed = (f"{'>' * depth} {line}" if depth and line else line for depth, line in self._lines)
        return _BLANK_LINES.sub("\n\n", "\n".join(prefixed)).strip("\n")


def _read_tree(root: etree._Element, page: _Page) -> None:
    """Write the text to the page: what is visible, what is hidden, what stands for pictures."""
    preformatted = 0
    walker = etree.iterwalk(root, events=("start", "end"))
    skipped: etree._Element | None = None
    for event, element in walker:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if tag in _DROPPED or tag in _UNSHOWN or is_hidden(element):
                page.hidden.append("" if tag in _DROPPED else "".join(element.itertext()))
                skipped = element
                walker.skip_subtree()
                continue
            preformatted += tag == "pre"
            _open(tag, element, page)
            page.add(element.text, preformatted > 0)
        else:
            if element is not skipped:
                _close(tag, element, page)
                preformatted -= tag == "pre"
            page.add(element.tail, preformatted > 0)


def _open(tag: str, element: etree._Element, page: _Page) -> None:
    if tag == "br":
        page.end_line(force=True)
    elif tag in _CELLS:
        page.add(" ")
    elif tag in _BLOCKS:
        page.end_line()
    elif tag in _PICTURES:
        _stand_for_picture(element.get("alt") or "", page)
    if tag == "blockquote" and _is_quotation(element):
        page.quote_depth += 1


def _stand_for_picture(alternative: str, page: _Page) -> None:
    """A sentence that stands for a picture is text, which many programs show instead; the name of a logo is not."""
    if len(alternative.split()) >= _SENTENCE_WORDS:
        page.add(f" {alternative} ")
    else:
        page.alternatives.append(alternative)


def _close(tag: str, element: etree._Element, page: _Page) -> None:
    if tag in _CELLS or tag not in _BLOCKS:
        return
    page.end_line()
    if tag == "blockquote" and _is_quotation(element):
        page.quote_depth -= 1
    if tag in _SPACED:
        page.end_line(force=True)


def _is_quotation(element: etree._Element) -> bool:
    marks = f"{element.get('class') or ''} {element.get('id') or ''}".lower()
    return element.get("type") == "cite" or element.get("cite") is not None or "quote" in marks or "cite" in marks
