"""Contacts by other ways than mail: what a person or a system records of a call, a visit, a fax, a chat."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from itaca.contracts.events import Judgement
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent, Verdict

RECORDER = ModelVersion("recorded")
"""Stands as the model of what a person judged while recording it."""


class Channel(StrEnum):
    """By which way a customer came."""

    CALL = "call"
    VISIT = "visit"
    FAX = "fax"
    CHAT = "chat"
    SOCIAL = "social"
    LETTER = "letter"


@dataclass(frozen=True)
class RecordedFile:
    """A file that the customer gave: a screenshot, a scan."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Interaction:
    """One contact. Whom it is of is said by an address, a customer code or a case reference, or by none of them.

    ``intents`` are what the customer wants in the eyes of who recorded it; none means: what the case is about, or
    nothing of us.
    """

    channel: Channel
    at: datetime
    summary: str
    intents: frozenset[Intent] = frozenset()
    email: str = ""
    customer: str = ""
    reference: str = ""
    name: str = ""
    language: str = ""
    subject: str = ""
    files: tuple[RecordedFile, ...] = ()
    acknowledges: bool = True


def judged(intents: frozenset[Intent]) -> Judgement:
    """Return what the recorder says as a judgement, so that a call follows the rules of a mail."""
    return Judgement(
        model=RECORDER,
        scores={intent: float(intent in intents) for intent in Intent},
        verdicts={intent: Verdict.YES if intent in intents else Verdict.NO for intent in Intent},
        needs_review=False,
    )
