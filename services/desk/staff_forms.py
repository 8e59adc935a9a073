"""Forms about people and teams read, and the trail of changes in the reader's words."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind
from itaca.storage.desk_events import COMMAND_LINE, DoorEntry, DoorEvent
from itaca.storage.staff import ARROW, Profile
from services.desk.templates import CUSTOMER_LANGUAGES
from services.desk.timetables import local_days
from services.desk.words import Words

MOST_CHARS = 120
MOST_OF_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3, without the angle brackets."""
_CODE = re.compile(r"[a-z]{2}")
_KIND = re.compile(rf"\b(?:{'|'.join(kind.value for kind in CaseKind)})\b")


def read_profile(name: str, team: str, lead: str, languages: Iterable[str]) -> Profile:
    """Return what a form says of a person; what is no code of a language is left out."""
    spoken = dict.fromkeys(one for one in languages if _CODE.fullmatch(one))
    return Profile(tidy(name), team, tuple(spoken), PersonId(lead) if lead else None)


def read_kinds(kinds: Iterable[str]) -> list[CaseKind]:
    """Return the kinds of case that a form names."""
    return [kind for kind in CaseKind if kind.value in set(kinds)]


def tidy(name: str) -> str:
    """Return a name on one line, as long as it may be."""
    return " ".join(name.split())[:MOST_CHARS]


def languages_to_choose(spoken: Sequence[str], words: Words) -> dict[str, str]:
    """Return languages by code, with their names: those that customers write in, and those spoken."""
    return {code: words.language_name(code) for code in dict.fromkeys((*CUSTOMER_LANGUAGES, *spoken))}


def trail_words(words: Words) -> Callable[[DoorEntry], str]:
    """Return what says the detail of a line of the trail: codes by their names, all else as it is written."""

    def say(entry: DoorEntry) -> str:
        if entry.kind in (DoorEvent.ROLE_GIVEN, DoorEvent.INVITED):
            return ARROW.join(words.name(part) for part in entry.detail.split(ARROW))
        if entry.kind is DoorEvent.TEAM_CHANGED:
            return _KIND.sub(lambda found: words.name(found[0]).lower(), entry.detail)
        if entry.kind is DoorEvent.HOURS_SET:
            return local_days(entry.detail, words.language)
        if entry.kind in (DoorEvent.ABSENCE_NOTED, DoorEvent.ABSENCE_STRUCK):
            return ARROW.join(words.day(date.fromisoformat(part)) for part in entry.detail.split(ARROW))
        return entry.detail if entry.by or entry.client == COMMAND_LINE else ""

    return say
