"""The events that travel between stages: small, frozen, versioned by ``v``."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from itaca.contracts.ids import MailId, ModelVersion
from itaca.contracts.intents import Intent, Verdict

MAX_EVENT_BYTES = 96 * 1024
MAX_TEXT_BYTES = 64 * 1024


class Event(BaseModel):
    """Root of the events: frozen, nothing unknown is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WrittenText(Event):
    """What the classifier may see of a mail; at most ``MAX_TEXT_BYTES`` of UTF-8 in subject and texts together.

    ``new_text`` is judged first, ``quoted_text`` with it as the whole text. ``is_truncated`` says that the
    middle was cut (head and tail are kept). ``flags`` are facts from the structure: ``automatic:<kind>``,
    ``certified:<kind>``, ``html_only``, ``defect:<code>``.
    """

    subject: str
    new_text: str
    quoted_text: str = ""
    language: str = ""
    sender_domain: str = ""
    recipients: tuple[str, ...] = ()
    """Local parts only of the To and Cc addresses at most 20; a regulator or the press in Cc is a feature."""
    flags: tuple[str, ...] = ()
    attachment_names: tuple[str, ...] = ()
    is_truncated: bool = False


class MailReceived(Event):
    """A mail is committed to the ledger and was read; ingest (or the watch, again) says so to the classifier."""

    v: Literal[1] = 1
    mail_id: MailId
    received_at: AwareDatetime
    text: WrittenText


class Span(Event):
    """Evidence: characters ``start`` to ``end`` of one view of the text spoke for or against an intent.

    ``view`` is ``subject``, ``new`` or ``quoted``. ``weight`` is in log-odds; ``why`` is the lexicon entry's
    name, or ``ngram``.
    """

    intent: Intent
    view: Literal["subject", "new", "quoted"]
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    weight: float
    why: str


class Judgement(Event):
    """What one model says of one text.

    ``scores`` are calibrated probabilities in [0, 1] per intent; ``verdicts`` follow from the thresholds of
    the model; ``needs_review`` is true when a person must look (an unsure verdict, views that disagree, a
    language or text that the model cannot answer for), with ``review_reasons`` in words.
    """

    model: ModelVersion
    scores: dict[Intent, float]
    verdicts: dict[Intent, Verdict]
    needs_review: bool
    review_reasons: tuple[str, ...] = ()
    language: str = ""
    spans: tuple[Span, ...] = ()


class MailClassified(Event):
    """The classifier's answer for one mail. The same input and model give the same event."""

    v: Literal[1] = 1
    mail_id: MailId
    judgement: Judgement


class OrderHandoff(Event):
    """An order leaves for the order system by the exchange ``outcomes``, routing key ``order.received``."""

    v: Literal[1] = 1
    reference: str
    mail_id: MailId
    received_at: AwareDatetime
    customer: str
    """The customer's address as known to the ledger."""
    order_numbers: tuple[str, ...] = ()
    subject: str
    text: str
