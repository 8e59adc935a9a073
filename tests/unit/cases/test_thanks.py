"""Which replies say nothing but thanks, in five languages, which do not quite, and what becomes of a closed case."""

import pytest

from itaca.cases.actions import AppendToCase, LinkToCase
from itaca.cases.decision import decide
from itaca.cases.policy import Policy
from itaca.cases.thanks import MOST_WORDS, says_only_thanks
from itaca.contracts.events import Judgement
from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.mail.model import Attachment, AutomaticKind, MailText
from tests.support.case_facts import facts, judgement, known_case, mail_text, standing

ROSSI = "Mario Rossi"
PDF = Attachment(name="bolletta.pdf", content_type="application/pdf", size_bytes=9, sha256="0" * 64)

ONLY_THANKS = {
    "it": (
        "Grazie mille, buona giornata. Mario Rossi",
        "grazie",
        "Grazie!",
        "Gentile Anna,\n\nla ringrazio molto per la risposta.\n\nCordiali saluti\nMario Rossi",
        "Vi ringrazio per l\u2019aiuto e buon lavoro",
        "Buongiorno, grazie di cuore e buone feste. Rossi",
        "Grazie ancora \U0001f60a\n\nInviato da iPhone",
    ),
    "en": (
        "Thank you so much!",
        "Many thanks, kind regards",
        "Hi Anna,\nthanks for your help and have a nice weekend.\n\nMario\n\nSent from my iPhone",
        "Dear all, thank you very much - best wishes, Mario Rossi",
        "thanks again, cheers",
    ),
    "de": (
        "Vielen Dank und schöne Grüße",
        "Sehr geehrte Damen und Herren,\nherzlichen Dank für Ihre Antwort.\nMit freundlichen Grüßen\nMario Rossi",
        "Liebe Frau Bianchi, danke schön und ein schönes Wochenende!",
        "danke! LG Mario",
        "VG und besten Dank",
    ),
    "fr": (
        "Merci beaucoup",
        "Bonjour Madame,\nun grand merci pour votre aide.\nBien cordialement\nMario Rossi",
        "Je vous remercie. Bonne journée !",
        "Encore merci et bonnes fêtes",
    ),
    "es": (
        "Muchas gracias",
        "Hola Anna, mil gracias por su ayuda. Un saludo, Mario",
        "Gracias, que tenga un buen día",
        "Estimada señora, se lo agradezco. Atentamente, Mario Rossi",
    ),
}

SOMETHING_ELSE = {
    "it": (
        "Grazie ma",
        "Grazie per niente",
        "Grazie del nulla",
        "grazie tante!!!",
        "Grazie tante",
        "Grazie!!",
        "GRAZIE MILLE",
        "Grazie, bravi",
        "Complimenti, grazie",
        "Grazie...",
        "Grazie\u2026",
        '"Grazie"',
        "Grazie :(",
        "Grazie \U0001f621",
        "Grazie?",
        "No grazie",
        "Grazie in anticipo",
        "Grazie, resto in attesa",
        "Grazie della pronta risposta",
        "Grazie, il libro non è arrivato",
        "Grazie. Ordine 4711",
        "Grazie e addio",
        "Buona giornata, cordiali saluti",
        "Grazie, Avv. Mario Rossi",
        "",
    ),
    "en": (
        "Thanks for nothing",
        "Thanks a lot",
        "Thanks, but it still has not arrived",
        "Thanks in advance",
        "Thanks anyway",
        "Thank you, please call me",
        "Thanks, goodbye",
        "No thanks",
        "Kind regards",
    ),
    "de": (
        "Danke für nichts",
        "Schönen Dank auch",
        "Vielen Dank im Voraus",
        "Danke, aber",
        "Nein danke",
        "Na danke",
        "Danke trotzdem",
        "Viele Grüße",
    ),
    "fr": (
        "Merci pour rien",
        "Merci bien",
        "Merci d'avance",
        "Merci de me rappeler",
        "Merci de votre réponse rapide",
        "Merci quand même",
        "Non merci",
        "Merci mais",
        "Bravo, merci",
    ),
    "es": (
        "Gracias por nada",
        "Gracias de antemano",
        "No, gracias",
        "Gracias, pero",
        "Gracias de todos modos",
        "¿Gracias?",
        "Un saludo",
    ),
}


def reply(said: str, **more: object) -> MailText:
    return MailText(**{"subject": "Re: Libri", "new_text": said, "sender_name": ROSSI, **more})


def rows(table: dict[str, tuple[str, ...]]) -> list[str]:
    return [said for own in table.values() for said in own]


@pytest.mark.parametrize("said", rows(ONLY_THANKS))
def test_words_of_thanks_and_politeness_are_thanks(said: str) -> None:
    """With the writer's name, and the name of who answered, and what the telephone adds."""
    assert says_only_thanks(reply(said), ["Anna Bianchi"])


@pytest.mark.parametrize("said", rows(SOMETHING_ELSE))
def test_whatever_else_is_said_is_more_than_thanks(said: str) -> None:
    """A "but", an irony, a figure, a question, dots that trail off, a raised voice, or no thanks at all."""
    assert not says_only_thanks(reply(said), ["Anna Bianchi"])


def test_a_name_counts_where_it_is_somebodys() -> None:
    """A word that is neither polite nor a name of these two is a word too many."""
    assert says_only_thanks(reply("Grazie, Giulia", sender_name="Giulia"))
    assert not says_only_thanks(reply("Grazie, Giulia"))
    assert not says_only_thanks(reply("Grazie, Mario 2", sender_name="Mario 2"))


def test_thanks_are_short() -> None:
    """Fifteen words of thanks are thanks; one more is a text that somebody should read."""
    said = " ".join(["grazie"] * MOST_WORDS)
    assert says_only_thanks(reply(said))
    assert not says_only_thanks(reply(f"{said} grazie"))
    assert not says_only_thanks(reply("grazie" + "\n" * 400))


@pytest.mark.parametrize("subject", ["Reclamo", "Fwd: Libri", "I: Libri", "Ancora niente libri: rispondete"])
def test_a_subject_of_its_own_is_something_said(subject: str) -> None:
    """Somebody may write all they want into the subject, and "grazie" below it."""
    assert not says_only_thanks(reply("Grazie", subject=subject))


@pytest.mark.parametrize(
    "subject", ["Re: Libri", "RE: libri", "R: Libri", "AW: Bücher", "Rif: Libri", "re : libri", ""]
)
def test_the_subject_that_is_answered_says_nothing_new(subject: str) -> None:
    """As mail programs of five languages write it, or leave it out."""
    assert says_only_thanks(reply("Grazie", subject=subject))


def test_a_file_says_something() -> None:
    """A screenshot under "grazie" is for a person to look at."""
    assert not says_only_thanks(reply("Grazie", attachments=(PDF,)))


def test_the_history_below_is_not_what_is_said() -> None:
    """What was quoted was said before; whether it hides something new is for the judgement."""
    assert says_only_thanks(reply("Grazie", quoted_text="> I libri non sono mai arrivati, rispondete!"))


POLICY = Policy()
OPEN, CLOSED = known_case(name="open"), known_case(name="closed", is_open=False)
ENDED = standing(CLOSED, linked=(CLOSED,))
THANKS = mail_text("Grazie mille, buona giornata", subject="Re: Libri")


def test_thanks_leave_their_case_closed_and_say_why() -> None:
    """Beside the case that is answered; what else the mail refers to is only referred to; nobody is acknowledged."""
    beside = known_case(CaseKind.REVIEW, "decided", is_open=False)
    decision = decide(facts(judgement(), THANKS), standing(linked=(beside, CLOSED)), POLICY)
    says = {action.case_id: action.says for action in decision.actions if isinstance(action, LinkToCase)}
    assert says == {beside.id: "refers to this case", CLOSED.id: "nothing but thanks: the case stays closed"}
    assert (decision.outcome, decision.says) == (MailOutcome.NOTED, says[CLOSED.id])
    assert not decision.acknowledges


@pytest.mark.parametrize(
    ("judged", "more"),
    [
        (judgement("N", "U"), {}),
        (judgement("N", "N", "N", "with the quoted text it looks like complaint"), {}),
        (judgement(), {"defects": ("html:hidden_text",)}),
        (judgement(), {"new_text": "Grazie per niente"}),
    ],
)
def test_lm33_doubt_opens_the_case_again(judged: Judgement, more: dict[str, object]) -> None:
    """The machine is not sure, what is quoted complains, words may be hidden, or it is not quite thanks."""
    (action,) = decide(facts(judged, THANKS.model_copy(update=more)), ENDED, POLICY).actions
    assert isinstance(action, AppendToCase)
    assert action.reopens


def test_an_order_among_thanks_is_an_order() -> None:
    """What the machine sees in the mail goes before what the words say."""
    decision = decide(facts(judgement("Y"), THANKS), ENDED, POLICY)
    assert decision.outcome is MailOutcome.CASE


def test_thanks_on_an_open_case_join_it() -> None:
    """There they are part of what is said, and somebody reads them anyway."""
    (action,) = decide(facts(judgement(), THANKS), standing(OPEN, linked=(OPEN,)), POLICY).actions
    assert isinstance(action, AppendToCase)
    assert action.case_id == OPEN.id


def test_thanks_of_a_machine_and_of_a_stranger_are_what_they_were() -> None:
    """Filed as automatic, and noted beside the case as unverified."""
    machine = decide(
        facts(judgement(), THANKS.model_copy(update={"automatic": AutomaticKind.AUTO_REPLY})), ENDED, POLICY
    )
    stranger = decide(facts(judgement(), THANKS), standing(linked=(CLOSED,), verified=False), POLICY)
    assert machine.outcome is MailOutcome.FILED
    assert [action.says for action in stranger.actions if isinstance(action, LinkToCase)] == [
        "refers to this case; the writer is not verified"
    ]
