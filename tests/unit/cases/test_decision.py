"""What becomes of a mail: every branch of the decision, and what must hold for any mail."""

from dataclasses import dataclass, field

import pytest

from itaca.cases.actions import AppendToCase, Decision, LinkToCase, OpenCase
from itaca.cases.decision import decide
from itaca.cases.model import Standing
from itaca.cases.policy import Policy
from itaca.contracts.events import Judgement
from itaca.contracts.intents import CaseKind, MailOutcome, PromiseKind
from itaca.errors import TransientError
from itaca.mail.model import AutomaticKind, MailText
from tests.support.case_facts import (
    CHAIN,
    cancellation,
    facts,
    judgement,
    known_case,
    mail_text,
    person,
    roster,
    standing,
)

POLICY = Policy()
OPEN = known_case(name="open")
CLOSED = known_case(name="closed", is_open=False)
OWNED_ORDER = known_case(CaseKind.ORDER, "chased", owner_id=CHAIN.people["agent"].id)  # type: ignore[index]


def shape(decision: Decision) -> list[str]:
    """Say the actions in short: ``open complaint``, ``append open``, ``link open report``."""
    said = []
    for action in decision.actions:
        match action:
            case OpenCase():
                said.append(f"open {action.kind.value}")
            case AppendToCase():
                said.append(f"append {action.case_id}{'' if action.counts else ' uncounted'}")
            case LinkToCase():
                said.append(f"link {action.case_id} {action.role}")
    return said


@dataclass(frozen=True)
class Row:
    """One branch: the name cites the loss mode it guards against."""

    name: str
    judged: Judgement | None
    does: list[str]
    outcome: MailOutcome
    text: MailText = field(default_factory=mail_text)
    known: Standing = field(default_factory=standing)
    reason: str = ""


def automatic(kind: AutomaticKind) -> MailText:
    return mail_text(automatic=kind, reply_to_address="")


CASE, REVIEW, FILED, NOTED = MailOutcome.CASE, MailOutcome.REVIEW, MailOutcome.FILED, MailOutcome.NOTED
LINKED = standing(OPEN, linked=(OPEN,))
ENDED = standing(CLOSED, linked=(CLOSED,))
STRANGER = standing(linked=(OPEN,), verified=False)
TABLE = [
    Row("complaint opens a case", judgement("N", "Y"), ["open complaint"], CASE),
    Row("cancellation opens a case", judgement("N", "N", "Y"), ["open cancellation"], CASE),
    Row("order opens a case", judgement("Y"), ["open order"], CASE),
    Row("nothing is noted", judgement(), [], NOTED),
    Row("LM24 order and complaint are two matters", judgement("Y", "Y"), ["open complaint", "open order"], CASE),
    Row(
        "LM24 all three are three matters",
        judgement("Y", "Y", "Y"),
        ["open complaint", "open cancellation", "open order"],
        CASE,
    ),
    Row("LM33 unsure goes to a person", judgement("N", "U"), ["open review"], REVIEW),
    Row("LM33 unsure order goes to a person", judgement("U"), ["open review"], REVIEW),
    Row(
        "LM34 views that disagree go to a person",
        judgement("N", "N", "N", "the quoted text complains"),
        ["open review"],
        REVIEW,
    ),
    Row("LM24 an order does not hide a doubt", judgement("Y", "U"), ["open order", "open review"], CASE),
    Row("a person who owns the complaint reads the doubt", judgement("N", "Y", "U"), ["open complaint"], CASE),
    Row("repeat contact appends", judgement("N", "Y"), ["append open"], CASE, known=standing(OPEN)),
    Row(
        "an order never appends",
        judgement("Y"),
        ["open order"],
        CASE,
        known=standing(known_case(CaseKind.ORDER, "o")),
    ),
    Row("a reply joins", judgement(), ["append open uncounted"], CASE, known=LINKED),
    Row("an unsure reply joins", judgement("N", "U"), ["append open uncounted"], CASE, known=LINKED),
    Row(
        "LM24 an ordering unsure reply joins and orders",
        judgement("Y", "U"),
        ["open order", "append open uncounted"],
        CASE,
        known=LINKED,
    ),
    Row(
        "a reply joins an order that a person chases",
        judgement(),
        ["append chased uncounted"],
        CASE,
        known=standing(linked=(OWNED_ORDER,)),
    ),
    Row(
        "a reply to an order of the order system is noted beside it",
        judgement(),
        ["link order related"],
        NOTED,
        known=standing(linked=(known_case(CaseKind.ORDER, "order"),)),
    ),
    Row("a reply to a closed case opens it again", judgement(), ["append closed uncounted"], CASE, known=ENDED),
    Row("a complaint opens its closed case again", judgement("N", "Y"), ["append closed"], CASE, known=ENDED),
    Row(
        "a reply on what is open in another case joins that one",
        judgement("N", "Y"),
        ["append open", "link closed related"],
        CASE,
        known=standing(OPEN, linked=(CLOSED,)),
    ),
    Row(
        "an out-of-office reply opens nothing again",
        judgement(),
        ["link closed report"],
        FILED,
        automatic(AutomaticKind.AUTO_REPLY),
        ENDED,
    ),
    Row(
        "a machine's complaint opens a case of its own",
        judgement("N", "Y"),
        ["open complaint", "link closed related"],
        CASE,
        automatic(AutomaticKind.AUTO_REPLY),
        ENDED,
    ),
    Row(
        "a stranger's reply goes to a person",
        judgement(),
        ["open review", "link open related"],
        REVIEW,
        known=STRANGER,
    ),
    Row(
        "a stranger's complaint is a case of its own",
        judgement("N", "Y"),
        ["open complaint", "link open related"],
        CASE,
        known=STRANGER,
    ),
    Row(
        "a stranger's word on a closed case is noted beside it",
        judgement(),
        ["link closed related"],
        NOTED,
        known=standing(linked=(CLOSED,), verified=False),
    ),
    Row("unread goes to a person", judgement(), ["open review"], REVIEW, text=mail_text(is_readable=False)),
    Row("LM33 unjudged goes to a person", None, ["open review"], REVIEW),
    Row("a given up mail goes to a person", None, ["open review"], REVIEW, reason="the classifier is silent"),
    Row("LM33 a reason beats the judgement", judgement(), ["open review"], REVIEW, reason="a dead letter"),
    Row("bounce is filed", judgement(), [], FILED, text=automatic(AutomaticKind.BOUNCE)),
    Row("bounce without judgement is filed", None, [], FILED, text=automatic(AutomaticKind.BOUNCE)),
    Row(
        "bounce is linked to its case",
        judgement("N", "Y"),
        ["link open report"],
        FILED,
        text=automatic(AutomaticKind.BOUNCE),
        known=LINKED,
    ),
    Row("receipt is filed", judgement("N", "Y"), [], FILED, text=automatic(AutomaticKind.RECEIPT)),
    Row("auto-reply is filed", judgement(), [], FILED, text=automatic(AutomaticKind.AUTO_REPLY)),
    Row("LM18 unsure auto-reply is filed", judgement("N", "U"), [], FILED, text=automatic(AutomaticKind.AUTO_REPLY)),
    Row(
        "LM18 auto-reply that complains is a case",
        judgement("N", "Y"),
        ["open complaint"],
        CASE,
        text=automatic(AutomaticKind.AUTO_REPLY),
    ),
    Row("list is filed", judgement(), [], FILED, text=automatic(AutomaticKind.LIST)),
    Row(
        "LM17 list that complains is a case",
        judgement("N", "Y"),
        ["open complaint"],
        CASE,
        text=automatic(AutomaticKind.LIST),
    ),
    Row(
        "LM17 web form that complains is a case",
        judgement("N", "Y"),
        ["open complaint"],
        CASE,
        text=automatic(AutomaticKind.AUTO_GENERATED),
    ),
    Row(
        "LM17 unsure web form goes to a person",
        judgement("N", "U"),
        ["open review"],
        REVIEW,
        text=automatic(AutomaticKind.AUTO_GENERATED),
    ),
    Row(
        "LM34 web form whose views disagree goes to a person",
        judgement("N", "N", "N", "views disagree"),
        ["open review"],
        REVIEW,
        text=automatic(AutomaticKind.AUTO_GENERATED),
    ),
    Row(
        "LM17 web form that asks nothing is filed",
        judgement(),
        [],
        FILED,
        text=automatic(AutomaticKind.AUTO_GENERATED),
    ),
    Row(
        "LM17 unjudged automatic mail goes to a person",
        None,
        ["open review"],
        REVIEW,
        text=automatic(AutomaticKind.LIST),
    ),
    Row(
        "a charge after the cancellation is held against it",
        judgement("N", "Y", "N"),
        ["append cancelled"],
        CASE,
        text=mail_text("Ho dato la disdetta e mi addebitate ancora"),
        known=standing(cancellation()),
    ),
    Row(
        "LM24 a violation with an order is two matters",
        judgement("Y", "Y", "U"),
        ["append cancelled", "open order"],
        CASE,
        known=standing(cancellation()),
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "_"))
def test_each_branch(row: Row) -> None:
    """One row of the table: what is known and judged, and what follows."""
    decision = decide(facts(row.judged, row.text, review_reason=row.reason), row.known, POLICY)
    assert shape(decision) == row.does
    assert decision.outcome is row.outcome
    assert decision.says


def test_reasons_are_words_that_the_owner_reads() -> None:
    """A review says why; a doubt beside a complaint stands among its reasons; a reply says that it is one."""
    unsure = decide(facts(judgement("N", "U", "U")), standing(), POLICY).actions[0]
    beside = decide(facts(judgement("N", "Y", "U")), standing(), POLICY).actions[0]
    reply = decide(facts(judgement("N", "U")), LINKED, POLICY).actions[0]
    assert not isinstance(unsure, LinkToCase)
    assert not isinstance(beside, LinkToCase)
    assert not isinstance(reply, LinkToCase)
    assert unsure.reasons == ("the machine is not sure about: complaint, cancellation",)
    assert beside.reasons == ("the machine is not sure about: cancellation",)
    assert reply.reasons == ("a reply on this case", "the machine is not sure about: complaint")


def test_the_reason_given_is_the_reason_shown() -> None:
    """What the watch says is what the owner reads."""
    (action,) = decide(facts(None, review_reason="the classifier has not answered"), standing(), POLICY).actions
    assert isinstance(action, OpenCase)
    assert action.reasons == ("the classifier has not answered",)
    assert action.promise.kind is PromiseKind.ANSWER


def test_without_people_nothing_is_decided_about_what_needs_one() -> None:
    """The mail waits; an order alone needs nobody yet."""
    nobody = standing(people=roster(person("gone", is_active=False)))
    with pytest.raises(TransientError):
        decide(facts(judgement("N", "Y")), nobody, POLICY)
    assert shape(decide(facts(judgement("Y")), nobody, POLICY)) == ["open order"]


@pytest.mark.parametrize("defect", ["html:hidden_text", "charset:replaced", "limit:text_chars"])
def test_lm12_a_defect_that_may_hide_words_brings_a_person(defect: str) -> None:
    """A mail judged to ask nothing of us is looked at all the same when part of it could not be read."""
    mail = facts(judgement(), mail_text(defects=(defect,)))
    decision = decide(mail, standing(), POLICY)
    assert decision.outcome is MailOutcome.REVIEW
    assert "words may be hidden" in decision.says
