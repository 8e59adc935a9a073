"""Training: the same every time, honest about who was seen, explained exactly."""

from pathlib import Path

import numpy as np
import pytest

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.explain import contributions, explain
from services.classifier.manifest import MODEL_NAME, REPORT_NAME, sha256_of
from services.classifier.model import Model, load_model, read_pin
from services.classifier.scorer import STRUCTURE_SCALE
from services.classifier.structure import structure
from services.classifier.training.corpus import (
    corpus_files,
    fold_numbers,
    is_frozen,
    read_examples,
)
from tests.support.small_model import CORPUS, small_model


@pytest.fixture(scope="module")
def model(trained_models: Path) -> Model:
    """The small model, loaded."""
    return load_model(trained_models)


@pytest.mark.slow
def test_training_twice_gives_the_same_bytes(trained_models: Path, tmp_path: Path) -> None:
    """The same corpus and seed give the same version and the same model file."""
    again = small_model(tmp_path)
    version = read_pin(trained_models).version
    assert read_pin(again).version == version
    assert sha256_of(again / version / MODEL_NAME) == sha256_of(trained_models / version / MODEL_NAME)


def test_the_report_shows_figures_with_mails_and_pictures(trained_models: Path) -> None:
    """Slices, intervals, the rule of the thresholds, and every picture it names."""
    folder = trained_models / read_pin(trained_models).version
    report = (folder / REPORT_NAME).read_text()
    assert "| it |" in report
    assert "exact binomial bound" in report
    for name in ("precision_recall.png", "calibration.png", "risk.png"):
        assert name in report
        assert (folder / name).stat().st_size > 1000


def test_a_customer_is_in_one_fold_and_on_one_side() -> None:
    """No mail of a customer is trained on while another of his tests the model."""
    examples = read_examples(corpus_files(CORPUS)[:3])
    folds = fold_numbers(examples, 5, 0)
    by_customer: dict[str, set[tuple[int, bool]]] = {}
    for example, fold in zip(examples, folds, strict=True):
        by_customer.setdefault(example.customer, set()).add((int(fold), is_frozen(example)))
    assert all(len(places) == 1 for places in by_customer.values())
    assert 0.05 < np.mean([is_frozen(example) for example in examples]) < 0.16


def test_a_line_that_is_no_labelled_mail_is_named(tmp_path: Path) -> None:
    """File and line are named; an unknown label is no label."""
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "1", "lang": "it", "subject": "", "body": "x", "labels": ["gripe"]}\n')
    with pytest.raises(PermanentError, match=r"bad\.jsonl, line 1"):
        read_examples([path])


def test_judging_does_not_depend_on_the_neighbours(model: Model) -> None:
    """One by one and in a batch, in any order, the answers are identical."""
    texts = [example.text for example in read_examples(corpus_files(CORPUS)[:1])[:40]]
    together = model.judge(texts)
    assert [model.judge([text])[0] for text in texts] == together
    assert model.judge(texts[::-1])[::-1] == together


TEXT = WrittenText(
    subject="Ordine 55: ancora niente!",
    new_text="Buongiorno, il pacco «Ça» non è arrivato.\nVorrei il rimborso… perché aspetto da 3 settimane?",
    language="it",
)


def test_the_explanation_adds_up_to_the_votes(model: Model) -> None:
    """Pieces, bias and structure together are the linear votes on the whole mail, to rounding."""
    scorer = model.scorer
    sentences = scorer.split(TEXT, TEXT.new_text)
    shape = np.array(structure(TEXT, TEXT.new_text))
    votes = scorer.votes
    weighed = votes.vectoriser.weigh_all(sentences)
    pieces = contributions(votes, sentences, weighed).weights.sum(axis=0)
    rest = votes.bias + (shape * STRUCTURE_SCALE) @ votes.weights[votes.vectoriser.n_columns :]
    np.testing.assert_allclose(pieces + rest, votes.evidence(weighed, shape)[: len(Intent)], atol=1e-9)


def test_spans_point_into_the_views_and_name_ideas(model: Model) -> None:
    """Offsets are those of the original text, and lexicon entries appear by name."""
    spans = explain(model.scorer, TEXT, top=60)
    views = {"subject": TEXT.subject, "new": TEXT.new_text}
    quoted = {(views[span.view][span.start : span.end], span.why) for span in spans}
    assert ("non è arrivato", "not_arrived") in quoted
    assert all(text.strip() for text, _ in quoted)
    assert {span.intent for span in spans} == set(Intent)


@pytest.mark.parametrize("text", ["", "?", "\u200b\u200b", "a" * 5000, "0 " * 3000, "\ufffd\x00"])
def test_any_text_is_judged(model: Model, text: str) -> None:
    """Empty, endless and senseless texts have finite scores and explanations."""
    (judgement,) = model.judge([WrittenText(subject="", new_text=text)])
    assert all(0.0 <= score <= 1.0 for score in judgement.scores.values())
    assert explain(model.scorer, WrittenText(subject="", new_text=text)) is not None
