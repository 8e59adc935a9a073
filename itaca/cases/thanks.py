"""A reply that says nothing but thanks: it is no reason to open a closed case again.

Every word of it must be one of thanks, greeting, leave-taking or politeness (``thanks.toml``, a closed list), or of
the names of those who write to each other. Whatever else stands in it is a doubt, and doubt opens the case.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import chain

from itaca.cases.cues import fold
from itaca.cases.search_words import words_of
from itaca.mail.model import MailText

MOST_WORDS = 15
_LONGEST = 400
_REPLY = re.compile(r"\s*(?:re|r|rif|aw|antw|res|sv)\s*:", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_BETWEEN = re.compile(r"[\s.,;:!\-\u2013\u2014\U0001f64f\u2764\ufe0f\u263a\U0001f642\U0001f60a]*")
"""What may stand between the words: no question, no quotation marks, of the pictures only the kind ones."""


def says_only_thanks(text: MailText, names: Iterable[str] = ()) -> bool:
    """Say whether a reply thanks and does nothing else, by what its writer added to the quoted history.

    It is short, in plain type, without a file, a figure or a question, and stands under the subject that it answers.

    Args:
        names: of those who may be named in it beside the writer: whoever answered.
    """
    if text.attachments or (text.subject.strip() and not _REPLY.match(text.subject)):
        return False
    known = frozenset(word for name in (text.sender_name, *names) for word in words_of(name))
    return _is_plain(text.new_text) and _is_thanks(fold(text.new_text), known)


def _is_plain(said: str) -> bool:
    """Capitals and several exclamation marks are a raised voice, figures are facts."""
    return len(said) <= _LONGEST and said.count("!") <= 1 and not said.isupper() and not any(map(str.isdigit, said))


def _is_thanks(folded: str, names: frozenset[str]) -> bool:
    thanks, polite, devices = _vocabulary()
    said = devices.sub(" ", folded)
    # Dots that trail off leave something unsaid.
    if ".." in said or len(_WORD.findall(said)) > MOST_WORDS or not thanks.search(said):
        return False
    rest = polite.sub(" ", said)
    return bool(_BETWEEN.fullmatch(_WORD.sub(lambda word: " " if word[0] in names else word[0], rest)))


@cache
def _vocabulary() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what thanks, all that is polite, thanks among it, and what telephones add."""
    tables = tomllib.loads((files("itaca.cases") / "thanks.toml").read_text(encoding="utf-8"))
    thanks, courtesies, devices = ([*chain(*tables[name].values())] for name in ("thanks", "courtesies", "devices"))
    return _pattern(thanks), _pattern([*thanks, *courtesies]), _pattern(devices)


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of whole phrases, the longest first: "grazie mille" is one, not "grazie" and a rest."""
    longest_first = sorted((fold(phrase) for phrase in phrases), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
