"""Whether an element of HTML mail is styled so that nobody sees it; inline styles only, as mail programs have it."""

import re

from lxml import etree

_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font(?:-size)?:(?:0(?:\.\d+)?(?:px|pt|em|rem|%)?|1(?:px|pt|%))(?:;|!|/|$)"
    r"|opacity:0(?:\.0\d*)?(?:;|!|$)|mso-hide:all|max-height:0(?:px)?(?:;|!|$)|text-indent:-\d{3,}"
    r"|(?:left|top|right|margin):-\d{4,}|scale\(0\)|(?<![a-z-])(?:width|height):0(?:px)?;.{0,200}overflow:hidden"
)
_NEARLY_WHITE = (
    r"(?:#[ef]{3}|#(?:f[0-9a-f]){3}|white|snow|ivory|transparent|rgba?\((?:2[45]\d,?){3}.{0,9}\)|rgba\(.{0,20},0\))"
)
_WHITE_STYLE = re.compile(rf"(?:^|;)color:{_NEARLY_WHITE}(?:;|!|$)")
_WHITE_NAME = re.compile(_NEARLY_WHITE)
_OWN_COLORS = re.compile(r"(?:^|;)(background-color|background|color):([^;!]{1,40})")


def is_hidden(element: etree._Element) -> bool:
    """Whether the element is hidden by its attributes, its size, or white letters on nothing."""
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    color = (element.get("color") or "").lower()
    if style is None and not color:
        return False
    compact = "".join((style or "")[:2_000].lower().split())
    if _HIDDEN_STYLE.search(compact) or _is_of_one_color(compact):
        return True
    is_white = _WHITE_NAME.fullmatch(color) is not None or _WHITE_STYLE.search(compact) is not None
    return is_white and "background" not in compact and not _has_background(element)


def _is_of_one_color(style: str) -> bool:
    """Letters in the colour of what is behind them."""
    colors = dict(_OWN_COLORS.findall(style))
    letters = colors.get("color", "")
    return bool(letters) and letters in (colors.get("background-color"), colors.get("background"))


def _has_background(element: etree._Element) -> bool:
    """White text is visible where it or something around it has a colour of its own."""
    return any(
        _is_colored(a.get("bgcolor"))
        or a.get("background") is not None
        or "background" in (a.get("style") or "").lower()
        for a in (element, *element.iterancestors())
    )


def _is_colored(bgcolor: str | None) -> bool:
    return bgcolor is not None and _WHITE_NAME.fullmatch("".join(bgcolor.lower().split())) is None
