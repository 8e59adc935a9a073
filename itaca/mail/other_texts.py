"""What else of a mail a person may see or overlook: the other alternative, hidden words, text in files.

It is judged with the history: where it changes the answer a person looks, and always where a file holds text.
Whoever writes one thing for the machine and another for people gains nothing by it.
"""

import re
from collections.abc import Iterator

from itaca.mail.parts import Context, text_of_file

_WORD = re.compile(r"[^\W\d_]{2,}")
_MIN_WORDS = 2
"""Fewer words than this say nothing: the name of a logo, a dash."""
_MIN_DIFFERING_WORDS = 4
_NOT_WRITTEN = frozenset({"text/css", "text/javascript", "text/calendar", "text/directory", "text/rfc822-headers"})


def other_texts(written: str, context: Context) -> list[str]:
    """Return what is not in ``written``, the text taken, each piece once; notes what is beyond the limits."""
    pieces = [*_of_alternatives(written, context), *_of_files(context), *_unseen(context)]
    return list(dict.fromkeys(piece for piece in pieces if piece.strip()))


def _of_alternatives(written: str, context: Context) -> Iterator[str]:
    """Lines of the alternative not taken that hold a word the other does not."""
    if not context.unchosen:
        return
    known = _words(written)
    shown = "\n".join(text.text for text in context.unchosen)
    words = _words(shown)
    if words <= known:
        return
    if len(words - known) >= _MIN_DIFFERING_WORDS:
        context.defects.note("text:alternatives_differ")
    yield "\n".join(line for line in shown.split("\n") if not _words(line) <= known)


def _of_files(context: Context) -> Iterator[str]:
    files = [part for part in context.text_files if part.content_type not in _NOT_WRITTEN]
    for count, part in enumerate(files):
        if count >= context.limits.text_files:
            context.defects.limit("text_files")
            return
        text = text_of_file(part, context.without_files()).strip()
        if _WORD.search(text):
            context.defects.note("text:from_attachment")
            yield f"[{part.file_name}]\n{text}" if part.file_name else text


def _unseen(context: Context) -> Iterator[str]:
    yield from (text for text in context.unseen if len(_WORD.findall(text[:10_000])) >= _MIN_WORDS)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
