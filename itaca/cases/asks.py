"""What a customer asks: questions and requests of a mail, each answered or promised before the case ends."""

import re

MOST_ASKS = 10
"""Of one mail; whoever asks more is read in whole anyway."""
_LONGEST = 300
_MOST_CHARACTERS = 20_000
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+|\n\s*\n|\n|$)")
_QUESTION = re.compile(r"\?+\s*$")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_REQUESTS = re.compile(
    r"(?<!\w)(?:"
    r"chiedo|chiediamo|richiedo|si richiede|vorrei|vorremmo|esigo|pretendo|vi prego di|prego di|potete|potreste|"
    r"fatemi sapere|datemi|rimborsatemi|mandatemi|inviatemi|"
    r"please|i (?:would like|want|demand|request|expect)|could you|can you|let me know|"
    r"ich (?:bitte|m[oö]chte|fordere|erwarte|verlange)|"
    r"bitte (?:teilen|senden|schicken|erstatten|best[aä]tigen)|k[oö]nnen sie|"
    r"je (?:demande|voudrais|souhaite|exige)|veuillez|merci de|pouvez-vous|"
    r"solicito|exijo|quisiera|quiero|les ruego|ruego|podr[ií]an|pueden"
    r")(?!\w)"
)
_COURTESIES = re.compile(
    r"(?<!\w)(?:come (?:state|sta|va)|how are you|wie geht es|comment allez|c[oó]mo est[aá]n)(?!\w)"
)


def find_asks(text: str, only_questions: bool = False) -> tuple[str, ...]:
    """Return the sentences that ask for something, in the customer's words, each once, at most ten.

    A sentence that ends with a question mark, or has a word of request in one of the five languages. What is
    overlooked here is still read by the owner, who may add it; what is none is ticked as such.

    Args:
        only_questions: requests do not count: the mail asks for a cancellation, and gets it.
    """
    found: dict[str, str] = {}
    for match in _SENTENCE.finditer(text[:_MOST_CHARACTERS]):
        sentence = " ".join(match[0].split())
        if not sentence or not _LETTERS.search(sentence):
            continue
        folded = sentence.casefold()
        asks = _QUESTION.search(sentence) or (not only_questions and _REQUESTS.search(folded))
        if not asks or _COURTESIES.search(folded):
            continue
        found.setdefault(folded.rstrip(" ?!."), _shortened(sentence))
        if len(found) == MOST_ASKS:
            break
    return tuple(found.values())


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1].rstrip()}…"
