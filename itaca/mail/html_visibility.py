"""Whether an element of HTML mail is styled so that nobody sees it; inline styles only, as mail programs have it."""

import re

from lxml import etree

_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:hidden|font-size:0(?:px|pt|em|%|\.0+)?(?:;|!|$)|opacity:0(?:\.0+)?(?:;|!|$)|mso-hide:all"
    r"|max-height:0(?:px)?(?:;|!|$)|text-indent:-\d{3,}|left:-\d{4,}"
)
_WHITE_STYLE = re.compile(r"(?:^|;)color:(?:#fff(?:fff)?|white|rgb\(255,255,255\)|transparent)(?:;|!|$)")


def is_hidden(element: etree._Element) -> bool:
    """Whether the element is hidden by its attributes, its size, or white letters on nothing."""
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    color = (element.get("color") or "").lower()
    if style is None and not color:
        return False
    compact = "".join((style or "")[:2_000].lower().split())
    if _HIDDEN_STYLE.search(compact):
        return True
    is_white = color in ("white", "#ffffff", "#fff") or _WHITE_STYLE.search(compact) is not None
    return is_white and "background" not in compact and not _has_background(element)


def _has_background(element: etree._Element) -> bool:
    """White text is visible where it or something around it has a colour of its own."""
    return any(
        a.get("bgcolor") is not None
        or a.get("background") is not None
        or "background" in (a.get("style") or "").lower()
        for a in (element, *element.iterancestors())
    )
