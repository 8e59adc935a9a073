"""What an answer was worth: scored by facts that the ledger knows, with the reasons in words.

An answer is worth something if after it something was different for the customer: a state changed, a question was
answered, a promise was made or kept, money or goods moved. Each time that the customer had to write again takes from
it. What is left with nothing is a zero-value interaction, and it has a cause that can be removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate


class Fact(StrEnum):
    """What made a difference."""

    MOVED = "moved"
    STATE_CHANGED = "state_changed"
    QUESTION_ANSWERED = "question_answered"
    PROMISE_KEPT = "promise_kept"
    PROMISE_MADE = "promise_made"


class Cause(StrEnum):
    """Why an answer was worth nothing; the first that holds, in this order."""

    ASKED_AGAIN = "asked_again"
    ONLY_FORWARDED = "only_forwarded"
    SAME_TEMPLATE = "same_template"
    OWN_FAILURE = "own_failure"
    WROTE_AGAIN = "wrote_again"
    NOTHING_CHANGED = "nothing_changed"


POINTS: Mapping[Fact, int] = {
    Fact.MOVED: 3,
    Fact.STATE_CHANGED: 2,
    Fact.QUESTION_ANSWERED: 2,
    Fact.PROMISE_KEPT: 2,
    Fact.PROMISE_MADE: 1,
}
COST_OF_A_CONTACT = 2
SAYS: Mapping[Fact | Cause, str] = {
    Fact.MOVED: "money or goods moved",
    Fact.STATE_CHANGED: "the state of the matter changed",
    Fact.QUESTION_ANSWERED: "a question was answered",
    Fact.PROMISE_KEPT: "a promise was kept",
    Fact.PROMISE_MADE: "a promise was made",
    Cause.ASKED_AGAIN: "it asked for what the customer had given already",
    Cause.ONLY_FORWARDED: "it only passed the matter on",
    Cause.SAME_TEMPLATE: "the same template had been sent in this matter before",
    Cause.OWN_FAILURE: "the customer wrote because of a failure of our own, and it stayed",
    Cause.WROTE_AGAIN: "the customer had to write again",
    Cause.NOTHING_CHANGED: "nothing changed by it",
}


@dataclass(frozen=True)
class AnswerFacts:
    """What is known of one answer when its time is over.

    ``contacts_after``: how often the customer had to write again on the matter before the next answer or the end of
    the time. ``asked_again``: kinds of data it asked for that had been given. ``after_own_failure``: before it a
    promise was broken, a cancellation violated or an answer lost.
    """

    facts: frozenset[Fact] = frozenset()
    contacts_after: int = 0
    asked_again: tuple[str, ...] = ()
    is_forward: bool = False
    same_template: bool = False
    after_own_failure: bool = False


@dataclass(frozen=True)
class Value:
    """``points`` from 0; ``cause`` is None for an answer that was worth something."""

    points: int
    cause: Cause | None
    reasons: tuple[str, ...]


def score(answer: AnswerFacts) -> Value:
    """Return what the answer was worth, and why."""
    earned = sum(POINTS[fact] for fact in answer.facts)
    points = max(earned - COST_OF_A_CONTACT * answer.contacts_after, 0)
    reasons = [SAYS[fact] for fact in Fact if fact in answer.facts]
    if answer.contacts_after:
        reasons.append(f"{SAYS[Cause.WROTE_AGAIN]}: {answer.contacts_after}")
    cause = None if points else _cause(answer)
    if cause is not None and cause is not Cause.WROTE_AGAIN:
        detail = f": {', '.join(answer.asked_again)}" if cause is Cause.ASKED_AGAIN else ""
        reasons.append(SAYS[cause] + detail)
    return Value(points, cause, tuple(reasons))


def _cause(answer: AnswerFacts) -> Cause:
    holds = {
        Cause.ASKED_AGAIN: bool(answer.asked_again),
        Cause.ONLY_FORWARDED: answer.is_forward,
        Cause.SAME_TEMPLATE: answer.same_template,
        Cause.OWN_FAILURE: answer.after_own_failure,
        Cause.WROTE_AGAIN: answer.contacts_after > 0,
    }
    return next((cause for cause, is_so in holds.items() if is_so), Cause.NOTHING_CHANGED)


@dataclass(frozen=True)
class Bar:
    """One bar of a Pareto plot: zero-value answers of one name, the contacts they cost, and the share of all
    contacts and answers that this bar and those before it make, in [0, 1].
    """

    name: str
    answers: int
    contacts: int
    cumulative: float


def pareto(counts: Sequence[tuple[str, int, int]]) -> list[Bar]:
    """Rank names by what they cost: contacts of customers first, then answers; what costs most comes first.

    Args:
        counts: name, zero-value answers, contacts after them.
    """
    ranked = sorted(counts, key=lambda one: (-one[2], -one[1], one[0]))
    costs = [answers + contacts for _, answers, contacts in ranked]
    total = sum(costs) or 1
    return [
        Bar(name, answers, contacts, so_far / total)
        for (name, answers, contacts), so_far in zip(ranked, accumulate(costs), strict=True)
    ]


@dataclass(frozen=True)
class Rate:
    """How many of the answers of a time were worth nothing by a cause; ``contacts`` is what they cost."""

    zero: int
    answers: int
    contacts: int

    @property
    def share(self) -> float:
        """Return the share of such answers, in [0, 1]; 0 without any answer."""
        return self.zero / self.answers if self.answers else 0.0


def has_fallen(before: Rate, after: Rate | None) -> bool | None:
    """Say whether a removal worked; None while nothing was answered since, or nothing before."""
    if after is None or not after.answers or not before.answers:
        return None
    return after.share < before.share
