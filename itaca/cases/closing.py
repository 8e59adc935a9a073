"""How a case may end, by its kind, and what must be owed while it does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from itaca.cases.interactions import RecordedFile
from itaca.contracts.intents import CaseKind, CaseOutcome, PromiseKind
from itaca.errors import PermanentError

_ENDS: dict[CaseKind, tuple[CaseOutcome, ...]] = {
    CaseKind.COMPLAINT: (CaseOutcome.REMEDIED, CaseOutcome.ANSWERED, CaseOutcome.REJECTED),
    CaseKind.CANCELLATION: (
        CaseOutcome.EFFECTED,
        CaseOutcome.REMEDIED,
        CaseOutcome.REJECTED,
        CaseOutcome.MERGED,
    ),
    CaseKind.ORDER: (CaseOutcome.ORDERED, CaseOutcome.REJECTED, CaseOutcome.MERGED),
    CaseKind.REVIEW: (CaseOutcome.ANSWERED,),
}
LEAST_EVIDENCE_CHARS = 3


def outcomes_for(kind: CaseKind) -> tuple[CaseOutcome, ...]:
    """Return how a person may end a case of this kind; that it was nothing is always possible.

    A complaint goes on in another case by a merger alone, which takes along what was promised and asked.
    """
    return (*_ENDS[kind], CaseOutcome.NOT_A_MATTER)


def check_end(kind: CaseKind, outcome: CaseOutcome, evidence: str) -> None:
    """Refuse an end that this kind of case cannot have, or that nothing proves.

    Raises:
        PermanentError: with the reason.
    """
    if outcome not in outcomes_for(kind):
        raise PermanentError(f"a case of kind {kind.value} cannot end as {outcome.value}")
    if len(evidence.strip()) < LEAST_EVIDENCE_CHARS:
        raise PermanentError("an end needs its evidence: say what proves it")


@dataclass(frozen=True)
class Answer:
    """A person's answer, and what follows from it: an end with its evidence, or a date to come back by.

    ``template`` names the text that it began with, so that what templates are worth can be measured; ``files`` leave
    with it.
    """

    subject: str
    text: str
    recipient: str
    ends_as: CaseOutcome | None = None
    evidence: str = ""
    back_by: datetime | None = None
    template: str = ""
    files: tuple[RecordedFile, ...] = ()


def check_answer(answer: Answer, kind: CaseKind, still_owed: Sequence[PromiseKind], now: datetime) -> None:
    """Refuse an answer that says nothing, or that leaves the customer with nothing to rely on.

    An answer fulfils the promise to answer; afterwards the case is closed, or something is owed by a date: what is
    still owed beside the answer, or a new date.

    Raises:
        PermanentError: with the reason.
    """
    if not answer.text.strip() or not answer.subject.strip():
        raise PermanentError("an answer needs a subject and a text")
    if answer.ends_as is not None:
        check_end(kind, answer.ends_as, answer.evidence)
    elif answer.back_by is None and not any(kind is not PromiseKind.ANSWER for kind in still_owed):
        raise PermanentError("an answer closes the case, or names a date by which somebody comes back")
    if answer.back_by is not None and answer.back_by <= now:
        raise PermanentError("a promise is for the future")
