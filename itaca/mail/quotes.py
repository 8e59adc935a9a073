"""What this writer adds, apart from the history below it; nothing is lost, every line goes to one or the other."""

from typing import NamedTuple

from itaca.mail.quote_headers import (
    MAX_ATTRIBUTION_CHARS,
    header_kind,
    is_attribution,
    is_separator,
    starts_attribution,
)

_MAX_WRAPPED_LINES = 4
_MAX_BLOCK_LINES = 14
_MAX_CANDIDATES = 2_000
"""Lines examined closely in one text: a mail of half a million lines that look alike must not cost their number."""


_RULE_STARTS = frozenset(("--", "——", "––", "__", "==", "**", "- "))


class SplitText(NamedTuple):
    """``new_text`` and ``quoted_text`` hold every line of the text, each in one of them, in their order."""

    new_text: str
    quoted_text: str


def split_quotes(text: str) -> SplitText:
    """Tell new text from quoted history. Total; linear in the length of the text.

    Lines that begin with ``>`` are history wherever they stand, so that answers between them stay new. What
    follows a header block, a separator or an attribution is history to its end, unless it is itself marked by
    ``>``: then only the marked lines are.
    """
    lines = text.split("\n")
    is_quoted = [_is_marked(line) for line in lines]
    cut = _mark_headers(lines, is_quoted)
    for index in range(cut, len(lines)):
        is_quoted[index] = True
    if not any(is_quoted):
        return SplitText(text, "")
    new = [line for line, quoted in zip(lines, is_quoted, strict=True) if not quoted]
    old = [line for line, quoted in zip(lines, is_quoted, strict=True) if quoted]
    return SplitText("\n".join(new).strip("\n"), "\n".join(old).strip("\n"))


def _is_marked(line: str) -> bool:
    """Whether a program or a person marked the line as quoted; rows of a drawn table are not."""
    start = line.lstrip(" \t\xa0")[:2]
    return start[:1] in (">", "»") or start == ": " or (start[:1] == "|" and line.count("|", 0, 1_000) == 1)


def _mark_headers(lines: list[str], is_quoted: list[bool]) -> int:
    """Mark the lines that announce marked quotes; return the line from which everything is history."""
    examined = 0
    index = 0
    while index < len(lines) and examined < _MAX_CANDIDATES:
        line = lines[index]
        if is_quoted[index] or not _may_announce(line):
            index += 1
            continue
        examined += 1
        first, last = _announcement(lines, is_quoted, index)
        if last < 0:
            index += 1
            continue
        first = _with_rule_above(lines, first)
        if not _is_before_quote(lines, is_quoted, last):
            return first
        for announced in range(first, last + 1):
            is_quoted[announced] = True
        index = last + 1
    return len(lines)


def _may_announce(line: str) -> bool:
    """A cheap look: announcements hold a colon, or begin as a drawn rule."""
    if len(line) > 2 * MAX_ATTRIBUTION_CHARS:
        return False
    return ":" in line or "：" in line or line.lstrip(" \t*>")[:2] in _RULE_STARTS or line.lstrip()[:1] == "("


def _announcement(lines: list[str], is_quoted: list[bool], index: int) -> tuple[int, int]:
    """Return first and last line of an announcement that contains the line ``index``; last is -1 if there is none."""
    line = lines[index]
    if is_separator(line):
        return index, _end_of_block(lines, index + 1) if _starts_block(lines, index + 1) else index
    if header_kind(line) and (end := _end_of_block(lines, index)) >= index:
        return index, end
    if line.rstrip(" \t*_\xa0").endswith((":", "：")):
        return _attribution(lines, is_quoted, index)
    return index, -1


def _starts_block(lines: list[str], index: int) -> bool:
    following = _next_filled(lines, index)
    return following < len(lines) and following - index <= 2 and bool(header_kind(lines[following]))


def _end_of_block(lines: list[str], index: int) -> int:
    """Return the last line of a header block that starts at ``index``, or ``index - 1`` if it is none.

    A block names the writer, and a date or both receiver and subject. Below other text, in a paragraph of its
    own, one of these is enough; at the top of a mail it is not, because web forms begin with "Da:" and "Oggetto:"
    above somebody's words. Long lists of receivers wrap into lines without a name.
    """
    kinds: set[str] = set()
    last = index - 1
    start = _next_filled(lines, index)
    position = start
    while position < min(len(lines), start + _MAX_BLOCK_LINES):
        kind = header_kind(lines[position])
        if kind:
            kinds.add(kind)
            last = position
        elif not lines[position].strip():
            if position - last > 1 or not _continues(lines, position + 1):
                break
        elif position - last > 3:
            break
        position += 1
    is_block = "from" in kinds and ("sent" in kinds or {"to", "subject"} <= kinds)
    if not is_block and "from" in kinds and len(kinds) > 1 and _is_below_text(lines, start):
        is_block = True
    return last if is_block else index - 1


def _is_below_text(lines: list[str], index: int) -> bool:
    if index < 2 or (lines[index - 1].strip() and not is_separator(lines[index - 1])):
        return False
    return any(line.strip() for line in lines[max(0, index - 6) : index - 1])


def _continues(lines: list[str], index: int) -> bool:
    return index < len(lines) and bool(header_kind(lines[index]))


def _attribution(lines: list[str], is_quoted: list[bool], last: int) -> tuple[int, int]:
    """Look for an attribution that ends on line ``last`` and may have been wrapped from a few lines above it."""
    before_quote = _is_before_quote(lines, is_quoted, last)
    joined = ""
    first = last
    for first in range(last, max(-1, last - _MAX_WRAPPED_LINES), -1):
        line = lines[first]
        if not line.strip() or is_quoted[first]:
            break
        joined = f"{line.strip()} {joined}".strip()
        if len(joined) > MAX_ATTRIBUTION_CHARS:
            break
        is_anchored = first == last or starts_attribution(line)
        if is_anchored and _stands_apart(lines, first, before_quote) and is_attribution(joined, before_quote):
            return _with_lead(lines, is_quoted, first), last
    return last, -1


def _stands_apart(lines: list[str], first: int, before_quote: bool) -> bool:
    """An attribution without marked quotes below must at least begin its own paragraph."""
    return before_quote or first == 0 or not lines[first - 1].strip() or not lines[first - 1][-1:].isalnum()


def _with_lead(lines: list[str], is_quoted: list[bool], first: int) -> int:
    """Include the first lines of a wrapped attribution whose last line was already enough."""
    if starts_attribution(lines[first]):
        return first
    for above in range(first - 1, max(-1, first - _MAX_WRAPPED_LINES), -1):
        if not lines[above].strip() or is_quoted[above]:
            break
        joined = " ".join(line.strip() for line in lines[above : first + 1])
        if starts_attribution(lines[above]) and is_attribution(joined, is_before_quote=True):
            return above
    return first


def _with_rule_above(lines: list[str], first: int) -> int:
    """Include the line of underscores or dashes that Outlook draws above its header block."""
    above = first - 1
    while above >= 0 and first - above <= 2 and not lines[above].strip():
        above -= 1
    rule = lines[above].strip() if above >= 0 else ""
    return above if len(rule) >= 5 and not rule.strip("_-=—–*") else first


def _is_before_quote(lines: list[str], is_quoted: list[bool], index: int) -> bool:
    following = _next_filled(lines, index + 1)
    return following < len(lines) and is_quoted[following]


def _next_filled(lines: list[str], index: int) -> int:
    """Return the next line with text, looking at most three lines ahead."""
    for position in range(index, min(len(lines), index + 3)):
        if lines[position].strip():
            return position
    return index
