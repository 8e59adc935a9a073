"""Each intent finds its matter: which case a mail belongs to, and how loud it becomes."""

from datetime import timedelta

from itaca.cases.actions import AppendToCase, OpenCase
from itaca.cases.matters import matter_actions
from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.intents import CaseKind, Intent, PromiseKind
from itaca.mail.model import Entity, EntityKind, MailText
from tests.support.case_facts import (
    NOW,
    SHOP,
    cancellation,
    facts,
    judgement,
    known_case,
    mail_text,
    order_number,
    standing,
)

POLICY = Policy()
COMPLAINT, CANCELLATION, ORDER = Intent.COMPLAINT, Intent.CANCELLATION, Intent.ORDER
PROTEST = "Ho dato la disdetta e mi è arrivato un altro catalogo"


def act(known: Standing, *intents: Intent, text: MailText | None = None, mail: MailFacts | None = None):
    mail = mail or facts(judgement("N", "Y"), text)
    return list(matter_actions(mail, known, POLICY, intents or (COMPLAINT,)))


def joined(known: Standing, *intents: Intent, text: MailText | None = None) -> str:
    (action,) = act(known, *intents, text=text)
    return action.case_id if isinstance(action, AppendToCase) else f"new {action.matter}".strip()


def test_a_mail_of_a_thread_joins_its_case() -> None:
    """The thread goes before numbers and before the only case there is."""
    first, second = known_case(name="first"), known_case(name="second", matter="B2")
    text = mail_text("ancora niente", order_number("B2"))
    assert joined(standing(first, second, linked=(first,)), text=text) == "first"
    assert joined(standing(first, second), text=text) == "second"


def test_a_number_finds_its_case_and_another_number_opens_one() -> None:
    """Two orders are two matters; a case without a number takes either."""
    about_a = known_case(name="a", matter="A1")
    about_nothing = known_case(name="nothing")
    mail_b = mail_text("e il secondo ordine?", order_number("B2"))
    assert joined(standing(about_a), text=mail_b) == "new B2"
    assert joined(standing(about_a, about_nothing), text=mail_b) == "nothing"
    assert joined(standing(about_a), text=mail_text("niente")) == "a"
    both = mail_text("A1 e B2", order_number("B2"), order_number("A1"))
    assert joined(standing(about_a), text=both) == "a"


def test_a_contract_number_is_a_matter_and_a_customer_code_is_none() -> None:
    """A customer code names the customer, not what is wrong."""
    contract = Entity(kind=EntityKind.CONTRACT_NUMBER, value="C9")
    code = Entity(kind=EntityKind.CUSTOMER_CODE, value="K1")
    assert joined(standing(), text=mail_text("x", code, contract)) == "new C9"
    assert joined(standing(), text=mail_text("x", code)) == "new"


def test_cases_of_another_kind_or_closed_ones_are_not_joined() -> None:
    """A complaint does not join a cancellation under way, a review, or a case that ended."""
    under_way = known_case(CaseKind.CANCELLATION, "asked", effective_at=NOW + timedelta(days=20), watch_until=NOW)
    known = standing(under_way, known_case(CaseKind.REVIEW, "r"), known_case(name="old", is_open=False))
    assert joined(known) == "new"
    assert joined(known, CANCELLATION) == "asked"


def test_orders_and_reviews_are_one_for_each_mail() -> None:
    """Their matter is the mail itself, so that two orders of a day are two."""
    assert joined(standing(known_case(CaseKind.ORDER, "o", matter="mail-0")), ORDER) == "new mail-1"


def test_a_new_cancellation_knows_its_dates() -> None:
    """It takes effect within thirty days and is watched for ninety more."""
    (action,) = act(standing(), CANCELLATION)
    assert isinstance(action, OpenCase)
    assert action.promise.kind is PromiseKind.EFFECT
    assert action.effective_at == action.promise.due_at == POLICY.due(CaseKind.CANCELLATION, NOW)
    assert action.watch_until == POLICY.watch_until(action.promise.due_at)


def test_the_second_and_third_contact_go_up_the_chain() -> None:
    """The lead learns of the second contact, the head of the third; nobody is told twice by it."""
    for contacts, level, told in ((1, 1, ("agent", "lead")), (2, 2, ("agent", "head"))):
        (action,) = act(standing(known_case(contacts=contacts, level=contacts - 1)))
        assert isinstance(action, AppendToCase)
        assert (action.level, action.notify, action.counts) == (level, told, True)


def test_a_threat_reaches_the_whole_chain_at_once() -> None:
    """A newspaper in copy: everybody between owner and head learns of it; the level ends with the chain."""
    (action,) = act(standing(), text=mail_text("Buongiorno", cc=("redazione@ilfoglio.example",)))
    assert isinstance(action, OpenCase)
    assert (action.level, action.notify) == (2, ("agent", "lead", "head"))
    assert action.reasons == ("names the press or television",)


def test_our_own_mailbox_is_no_threat() -> None:
    """A newspaper that is the customer's supplier: its own address in To says nothing."""
    own = "abbonamenti@giornale.example"
    text = mail_text("Il giornale non arriva", recipients=(own,), cc=("redazione@giornale.example",))
    (action,) = act(standing(), mail=facts(judgement("N", "Y"), text, delivered_to=(own,)))
    assert action.reasons == ()
    (foreign,) = act(standing(), mail=facts(judgement("N", "Y"), text, delivered_to=(SHOP,)))
    assert foreign.reasons == ("names the press or television",)


def test_an_order_is_not_louder_for_its_words() -> None:
    """A lawyer's office that orders paper has no complaint."""
    complaint, order = act(standing(), ORDER, COMPLAINT, text=mail_text("Studio legale Rossi"))
    assert isinstance(complaint, OpenCase)
    assert isinstance(order, OpenCase)
    assert (order.kind, order.level, order.reasons, order.notify) == (CaseKind.ORDER, 0, (), ())
    assert complaint.level == 2


def violated(*known: KnownCase, text: MailText | None = None, mail: MailFacts | None = None) -> str | None:
    actions = act(standing(*known), text=text or mail_text(PROTEST), mail=mail)
    return next((a.case_id for a in actions if isinstance(a, AppendToCase) and a.is_violation), None)


def test_a_protest_that_speaks_of_the_cancellation_is_held_against_it() -> None:
    """The closed cancellation is reopened one level higher, with an answer promised, and is no second complaint."""
    (action,) = act(standing(cancellation(level=1)), text=mail_text(PROTEST))
    assert isinstance(action, AppendToCase)
    assert (action.case_id, action.is_violation, action.reopens, action.level) == ("cancelled", True, True, 2)
    assert action.promise.kind is PromiseKind.ANSWER
    assert "after the cancellation took effect" in " ".join(action.reasons)


def test_the_open_cancellation_of_a_matter_goes_before_its_closed_one() -> None:
    """Two cases of one matter cannot both be open: the protest joins the open one and reopens nothing."""
    closed, asked_again = cancellation("closed"), cancellation("again", True, effective_at=NOW + timedelta(days=9))
    assert violated(closed, asked_again) == "again"
    (action,) = act(standing(closed, asked_again), text=mail_text(PROTEST))
    assert isinstance(action, AppendToCase)
    assert action.reopens is False
    other_matter = cancellation("other", True, matter="B2", effective_at=NOW + timedelta(days=9))
    assert violated(closed, other_matter) == "closed"


def test_after_the_watch_a_cancellation_is_violated_by_words_alone() -> None:
    """Before its date a protest is a complaint like others; after the watch, one that does not name it is."""
    early = cancellation(effective_at=NOW + timedelta(days=1))
    late = cancellation(watch_until=NOW - timedelta(seconds=1))
    assert violated(early) is None
    assert violated(late) == "cancelled"
    unsure = facts(judgement("N", "Y", "U"), mail_text("Il libro è rotto"))
    assert violated(late, mail=unsure) is None
    assert violated(cancellation(effective_at=NOW, watch_until=NOW)) == "cancelled"


def test_a_protest_about_something_else_is_not_held_against_a_cancellation() -> None:
    """Without a word of it, and with the machine sure that it is no cancellation, it is a new complaint."""
    assert violated(cancellation(), text=mail_text("Il libro è rotto")) is None
    unsure = facts(judgement("N", "Y", "U"), mail_text("Il libro è rotto"))
    assert violated(cancellation(), mail=unsure) == "cancelled"


def test_numbers_tell_cancellations_apart() -> None:
    """A protest with a number is held against that contract, or one without a number, never another's."""
    a, b, unnamed = cancellation("a", matter="A1"), cancellation("b", matter="B2"), cancellation("unnamed")
    about_a = mail_text(PROTEST, order_number("A1"))
    about_c = mail_text(PROTEST, order_number("C3"))
    assert violated(a, b, text=about_a) == "a"
    assert violated(a, b, text=about_c) is None
    assert violated(a, b, unnamed, text=about_c) == "unnamed"
    assert violated(a, b) == "b"


def test_a_violation_keeps_the_order_beside_it() -> None:
    """LM24: the order of the same mail is handed over all the same."""
    actions = act(standing(cancellation()), COMPLAINT, CANCELLATION, ORDER, text=mail_text(PROTEST))
    assert [type(a).__name__ for a in actions] == ["AppendToCase", "OpenCase"]
    assert actions[1].kind is CaseKind.ORDER


def test_a_cancellation_of_another_contract_is_a_new_one() -> None:
    """While one cancellation is watched, cancelling something else by its number is no protest and is handed on."""
    text = mail_text("disdico anche il contratto C3", order_number("C3"))
    again = mail_text("confermo la disdetta")
    assert joined(standing(cancellation()), CANCELLATION, text=text) == "new C3"
    assert joined(standing(cancellation(matter="C3")), CANCELLATION, text=text) == "cancelled"
    assert joined(standing(cancellation()), CANCELLATION, text=again) == "cancelled"
