"""The words that made the machine decide, marked in what the customer wrote."""

from collections.abc import Sequence
from dataclasses import dataclass

from itaca.contracts.events import Judgement, Span
from itaca.contracts.intents import Intent, Verdict

_MOST_SPANS = 200


@dataclass(frozen=True)
class Piece:
    """A stretch of text; ``intent`` is what its words speak for, if they were marked."""

    text: str
    intent: Intent | None = None


def highlight(text: str, view: str, judgement: Judgement | None) -> list[Piece]:
    """Return the text in pieces that put together are the text.

    Marked is what spoke for an intent that holds or may hold; where marks overlap, the heavier one shows.

    Args:
        view: ``subject``, ``new`` or ``quoted``, as spans name it.
    """
    spans = _spans(view, judgement, len(text))
    if not spans:
        return [Piece(text)] if text else []
    owner: list[Intent | None] = [None] * len(text)
    for span in sorted(spans, key=lambda one: one.weight):
        owner[span.start : span.end] = [span.intent] * (span.end - span.start)
    return _pieces(text, owner)


def _spans(view: str, judgement: Judgement | None, length: int) -> Sequence[Span]:
    if judgement is None:
        return ()
    held = {intent for intent, verdict in judgement.verdicts.items() if verdict is not Verdict.NO}
    fitting = [
        span
        for span in judgement.spans
        if span.view == view and span.weight > 0 and span.intent in held and span.start < span.end <= length
    ]
    return fitting[:_MOST_SPANS]


def _pieces(text: str, owner: Sequence[Intent | None]) -> list[Piece]:
    pieces: list[Piece] = []
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or owner[position] is not owner[start]:
            pieces.append(Piece(text[start:position], owner[start]))
            start = position
    return pieces
