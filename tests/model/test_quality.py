"""The promoted model on mails it never saw: the frozen customers and the slices written apart from the corpus."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent, Verdict
from services.classifier.model import Model, load_model
from services.classifier.training.corpus import Example, corpus_files, is_frozen, label_matrix, read_examples
from services.classifier.training.evaluate import judged
from services.classifier.training.figures import answer_figures

ROOT = Path(__file__).parents[2]
SLICES = sorted((Path(__file__).parent / "slices").glob("*.jsonl"))


@pytest.fixture(scope="module")
def model() -> Model:
    """The model in use."""
    return load_model(ROOT / "models")


@pytest.fixture(scope="module")
def frozen() -> list[Example]:
    """The tenth of the customers that nothing was trained on."""
    return [example for example in read_examples(corpus_files(ROOT / "models" / "corpus")) if is_frozen(example)]


def _figures(model: Model, examples: list[Example]) -> Mapping[str, float]:
    said, review = judged(model, examples)
    return {name: figure.value for name, figure in answer_figures(label_matrix(examples), said, review).items()}


def test_the_frozen_customers_are_judged_well(model: Model, frozen: list[Example]) -> None:
    """Complaints safe, little review, and the three intents told apart."""
    found = _figures(model, frozen)
    assert found["complaints safe"] >= 0.97
    assert found["review"] <= 0.30
    assert found["macro f1"] >= 0.84


@pytest.mark.parametrize(
    ("language", "floor"), [("it", 0.85), ("en", 0.78), ("de", 0.78), ("fr", 0.78), ("es", 0.78)]
)
def test_each_language_is_judged_well(model: Model, frozen: list[Example], language: str, floor: float) -> None:
    """No language pays for another."""
    found = _figures(model, [example for example in frozen if example.language == language])
    assert found["complaints safe"] >= 0.95
    assert found["macro f1"] >= floor


def test_the_slices_together_keep_what_is_promised(model: Model) -> None:
    """On mails of other writers: 97 % of complaints safe with at most 30 % of mail in review, macro-F1 0.80."""
    found = _figures(model, read_examples(SLICES))
    assert found["complaints safe"] >= 0.97
    assert found["review"] <= 0.30
    assert found["macro f1"] >= 0.80


@pytest.mark.parametrize("path", SLICES, ids=lambda path: path.stem)
def test_no_slice_hides_complaints(model: Model, path: Path) -> None:
    """Negation, quotes, signatures, misleading words, politeness, one word: at most one in ten goes unseen."""
    examples = read_examples([path])
    said, review = judged(model, examples)
    complaints = label_matrix(examples)[:, 1] == 1
    missed = int((complaints & ~said[:, 1] & ~review).sum())
    assert missed <= max(1, complaints.sum() // 10)


def _complaints(model: Model, frozen: list[Example], limit: int = 120) -> list[Example]:
    """Return complaints of the frozen part that are safe as they stand."""
    found = [example for example in frozen if Intent.COMPLAINT in example.labels and example.text.new_text]
    return [example for example in found if _is_safe(model, example.text)][:limit]


def _is_safe(model: Model, text: WrittenText) -> bool:
    (judgement,) = model.judge([text])
    return judgement.needs_review or judgement.verdicts[Intent.COMPLAINT] is Verdict.YES


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        lambda text: "Buongiorno,\n" + text,
        lambda text: text + "\n\nInviato da iPhone",
        lambda text: text + "\nCordiali saluti / Kind regards",
        lambda text: text.replace("e", "e\u200b"),
        lambda text: text.replace(" ", "  "),
    ],
    ids=["capitals", "small", "greeting", "signature", "regards", "zero-width", "blanks"],
)
def test_a_complaint_stays_one_however_it_is_dressed(model: Model, frozen: list[Example], change: object) -> None:
    """Capitals, greetings, signatures and hidden characters hide at most one complaint in thirty."""
    complaints = _complaints(model, frozen)
    dressed = [
        example.text.model_copy(update={"new_text": change(example.text.new_text)})  # type: ignore[operator]
        for example in complaints
    ]
    assert np.mean([_is_safe(model, text) for text in dressed]) >= 1 - 1 / 30


def test_probabilities_mean_what_they_say(model: Model, frozen: list[Example]) -> None:
    """On frozen mail the mean probability of an intent is within five points of its share."""
    scores = np.array([[j.scores[intent] for intent in Intent] for j in model.judge([e.text for e in frozen])])
    assert np.abs(scores.mean(axis=0) - label_matrix(frozen).mean(axis=0)).max() <= 0.05
