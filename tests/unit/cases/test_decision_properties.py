"""What must hold for any mail, whatever is known and judged of it."""

from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.actions import AppendToCase, Decision, LinkToCase, OpenCase
from itaca.cases.decision import decide
from itaca.cases.model import MailFacts
from itaca.cases.policy import Policy
from itaca.contracts.intents import CaseKind, Intent, MailOutcome, Verdict
from itaca.mail.model import AutomaticKind
from tests.support.case_facts import (
    NOW,
    WRITER,
    cancellation,
    facts,
    judgement,
    known_case,
    mail_text,
    order_number,
    standing,
)
from tests.support.examples import examples

POLICY = Policy()
REPORTS = (AutomaticKind.BOUNCE, AutomaticKind.RECEIPT)
OPEN = known_case(name="open")
CLOSED = known_case(name="closed", is_open=False)
LETTERS = st.sampled_from("YNU")
JUDGEMENTS = st.none() | st.builds(judgement, LETTERS, LETTERS, LETTERS)
TEXTS = st.builds(
    mail_text,
    st.sampled_from(["Buongiorno", "il mio avvocato", "ho dato la disdetta", "VOGLIO I MIEI LIBRI ADESSO SUBITO"]),
    automatic=st.sampled_from(list(AutomaticKind)),
    is_readable=st.booleans(),
    reply_to_address=st.sampled_from(["", WRITER]),
    language=st.sampled_from(["it", "de", ""]),
    entities=st.sampled_from([(), (order_number("A1"),)]),
)
CASES = (
    OPEN,
    known_case(name="numbered", matter="A1"),
    known_case(CaseKind.CANCELLATION, "asked", effective_at=NOW, watch_until=NOW),
    cancellation(),
    cancellation("numbered-cancelled", matter="A1"),
    known_case(CaseKind.REVIEW, "review"),
    known_case(CaseKind.ORDER, "order"),
    CLOSED,
)
STANDINGS = st.builds(
    lambda own, linked, verified: standing(*own, linked=tuple(linked), verified=verified),
    st.lists(st.sampled_from(CASES), unique=True),
    st.lists(st.sampled_from(CASES), unique=True, max_size=2),
    st.booleans(),
)
ANY = (JUDGEMENTS, TEXTS, STANDINGS, st.sampled_from(["", "a dead letter"]))


def owned(decision: Decision) -> bool:
    """Say whether a person owns something of this mail."""
    return any(
        isinstance(a, AppendToCase) or (isinstance(a, OpenCase) and a.owner_id is not None) for a in decision.actions
    )


def verdict(mail: MailFacts, intent: Intent) -> Verdict | None:
    return mail.judgement.verdicts[intent] if mail.judgement else None


@examples(3)
@given(*ANY)
def test_a_complaint_always_ends_with_a_person(judged, text, known, reason) -> None:
    """A complaint judged yes yields an action with an owner, unless the mail is a bounce or a receipt."""
    mail = facts(judged, text, review_reason=reason)
    if verdict(mail, Intent.COMPLAINT) is Verdict.YES and text.automatic not in REPORTS:
        assert owned(decide(mail, known, POLICY))


@examples(3)
@given(*ANY)
def test_lm24_an_order_never_takes_a_complaints_action_away(judged, text, known, reason) -> None:
    """LM24: with the order judged no, every action that is no order stays as it was."""
    if judged is None:
        return
    orders = facts(judged.model_copy(update={"verdicts": judged.verdicts | {Intent.ORDER: Verdict.YES}}), text)
    without = facts(judged.model_copy(update={"verdicts": judged.verdicts | {Intent.ORDER: Verdict.NO}}), text)
    kept = [a for a in decide(orders, known, POLICY).actions if not (isinstance(a, OpenCase) and a.owner_id is None)]
    if verdict(without, Intent.COMPLAINT) is Verdict.YES:
        assert kept == list(decide(without, known, POLICY).actions)


@examples(3)
@given(*ANY)
def test_lm33_doubt_without_an_owner_is_a_review(judged, text, known, reason) -> None:
    """LM33: a person's mail with any unsure verdict ends with a person, as a case of theirs or a review."""
    mail = facts(judged, text, review_reason=reason)
    is_personal = text.automatic in (AutomaticKind.NONE, AutomaticKind.AUTO_GENERATED)
    unsure = judged is not None and Verdict.UNSURE in judged.verdicts.values()
    if is_personal and (unsure or judged is None or not text.is_readable or reason):
        decision = decide(mail, known, POLICY)
        assert owned(decision) or decision.outcome is MailOutcome.FILED
        assert (decision.outcome is MailOutcome.FILED) <= (text.automatic is AutomaticKind.AUTO_GENERATED)


@examples(3)
@given(*ANY)
def test_nobody_is_answered_who_must_not_be(judged, text, known, reason) -> None:
    """LM18: no acknowledgement without an address, to a machine, or for mail that asks nothing."""
    decision = decide(facts(judged, text, review_reason=reason), known, POLICY)
    if not text.reply_to_address or text.automatic is not AutomaticKind.NONE:
        assert not decision.acknowledges
    if decision.acknowledges:
        assert any(isinstance(a, OpenCase | AppendToCase) for a in decision.actions)


@examples(3)
@given(*ANY)
def test_actions_fit_the_ledger(judged, text, known, reason) -> None:
    """No case twice, no second case of a kind, no contact on an unverified link, outcomes that fit the actions."""
    decision = decide(facts(judged, text, review_reason=reason), known, POLICY)
    opened = [a.kind for a in decision.actions if isinstance(a, OpenCase)]
    touched = [a.case_id for a in decision.actions if not isinstance(a, OpenCase)]
    assert len(set(opened)) == len(opened)
    assert len(set(touched)) == len(touched)
    own = {c.id for c in (*known.open_cases, *known.cancellations)} | known.verified
    assert {a.case_id for a in decision.actions if isinstance(a, AppendToCase)} <= own
    acts = [a for a in decision.actions if not isinstance(a, LinkToCase)]
    assert bool(acts) == (decision.outcome in (MailOutcome.CASE, MailOutcome.REVIEW))
    for action in decision.actions:
        if isinstance(action, OpenCase):
            assert (action.owner_id is None) == (action.kind is CaseKind.ORDER)
            assert action.promise.due_at > NOW
            assert (action.effective_at is not None) == (action.kind is CaseKind.CANCELLATION)
