"""The subject of an answer: the customer's own, once «Re:», and once the reference of the case."""

import re

_MOST_CHARS = 80
_REPLY = re.compile(r"^(?:\s*(?:re|r|rif|aw|antw|sv|res|ref)(?:\[\d+\])?\s*:)+", re.IGNORECASE)
"""How mail programs of the languages we read begin the subject of a reply, however often."""


def answer_subject(subject: str, reference: str) -> str:
    """Return what the subject of an answer begins with."""
    own = " ".join(_REPLY.sub("", subject.replace(f"[{reference}]", "")).split())[:_MOST_CHARS]
    return " ".join(filter(None, ("Re:", own, f"[{reference}]")))
