"""Complaints that hide, in five languages, through reader, promoted model and decision: judged, or seen."""

from pathlib import Path

import pytest

from itaca.cases.actions import OpenCase
from itaca.cases.decision import decide
from itaca.cases.policy import Policy
from itaca.contracts.intents import CaseKind
from itaca.mail.model import Envelope
from itaca.mail.read import read_mail
from itaca.mail.written import written_text
from services.classifier.model import Model, load_model
from services.classifier.training.corpus import corpus_files, read_examples
from tests.support.case_facts import facts, standing
from tests.support.tricks import LETTERS, PLACES
from tests.support.written_mail import mail

MODELS = Path(__file__).parents[2] / "models"
ENVELOPE = Envelope(sender="anna@posta.example", recipients=("reclami@shop.example",))
COMPLAINTS = {
    "it": [
        "Vergogna, il pacco non è mai arrivato e nessuno risponde: voglio subito il rimborso.",
        "La lavatrice che mi avete venduto è rotta, pretendo la sostituzione o i miei soldi indietro.",
    ],
    "en": [
        "This is a formal complaint: my parcel never arrived and nobody answers. I want a refund now.",
        "The washing machine you sold me is broken and I demand a replacement or my money back.",
    ],
    "de": [
        "Das ist eine Beschwerde: mein Paket ist nie angekommen, niemand antwortet, ich will mein Geld zurück.",
        "Die Waschmaschine ist defekt geliefert worden, ich verlange Ersatz oder die Erstattung.",
    ],
    "fr": [
        "C'est une réclamation : mon colis n'est jamais arrivé, personne ne répond, je veux être remboursé.",
        "La machine que vous m'avez vendue est en panne, j'exige le remplacement ou le remboursement.",
    ],
    "es": [
        "Esto es una reclamación: mi paquete nunca llegó, nadie responde y quiero que me devuelvan el dinero.",
        "La lavadora que me vendieron está rota, exijo que la cambien o que me devuelvan el dinero.",
    ],
}
MOST_HARMLESS_CHARS = 250
MOST_UNSEEN = 1
"""Of ten complaints under one trick: a judgement may miss one, as it may in clear text."""


@pytest.fixture(scope="module")
def model() -> Model:
    """The model in use."""
    return load_model(MODELS)


def is_seen(model: Model, raw: bytes) -> bool:
    """Say whether a person will look at this mail, because it is a complaint or because something is in doubt."""
    text = read_mail(raw, ENVELOPE)
    (judged,) = model.judge([written_text(text)])
    decision = decide(facts(judged, text), standing(), Policy())
    return any(isinstance(action, OpenCase) and action.kind is not CaseKind.ORDER for action in decision.actions)


@pytest.fixture(scope="module")
def harmless(model: Model) -> dict[str, str]:
    """For each language a mail of the corpus at which nobody need look, however often it is repeated."""
    found: dict[str, str] = {}
    for example in read_examples(corpus_files(MODELS / "corpus")):
        text = " ".join(example.text.new_text.split()) + " "
        is_candidate = example.language not in found and not example.labels and 30 < len(text) < MOST_HARMLESS_CHARS
        if is_candidate and not any(is_seen(model, mail(text * times)) for times in (1, 3, 5)):
            found[example.language] = text
    assert found.keys() >= COMPLAINTS.keys(), "everything is in doubt"
    return found


@pytest.mark.parametrize("name", [*LETTERS, *PLACES])
def test_a_hidden_complaint_is_judged_or_seen(model: Model, harmless: dict[str, str], name: str) -> None:
    """However its letters are disguised and wherever it stands, a complaint has a person."""
    trick = {**LETTERS, **PLACES}[name]
    unseen = [
        (language, complaint)
        for language, complaints in COMPLAINTS.items()
        for complaint in complaints
        if not is_seen(model, trick(harmless[language], complaint))
    ]
    assert len(unseen) <= MOST_UNSEEN, unseen
