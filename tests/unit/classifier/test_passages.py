"""Passages: one sentence or two of a mail, learned from and weighed in the same way."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from services.classifier.features import Sentence, View, split
from services.classifier.lexicon import build_lexicon, load_lexicon
from services.classifier.model import load_model
from services.classifier.scorer import FORMAT, N_OLDER_EVIDENCE, OLDER_FORMAT, pack, unpack
from services.classifier.training.corpus import read_examples
from services.classifier.training.fit import learn_vectoriser
from services.classifier.training.passages import cut_passages, fit_passages
from tests.support.small_model import CORPUS

ENDING = "Oggi fa caldo e il mare è calmo. Disdico il contratto. Saluti a tutti dal mare."
CHAT = "Oggi fa caldo e il mare è calmo. Il contratto è in ufficio. Saluti a tutti dal mare."
N_MAILS = 6


def _mails(*texts: str) -> list[tuple[Sentence, ...]]:
    lexicon = build_lexicon(load_lexicon())
    return [split(View("", text, "it"), lexicon) for text in texts]


def test_a_mail_has_its_sentences_and_their_pairs() -> None:
    """Three sentences give three passages of one and two of two, of length one or, with repeats, a little more."""
    mails = [*_mails(ENDING, CHAT), ()]
    passages = cut_passages(learn_vectoriser(mails), mails)
    assert passages.owners.tolist() == [0] * 5 + [1] * 5
    assert passages.vectors.shape[0] == 10
    lengths = np.sqrt(passages.vectors.multiply(passages.vectors).sum(axis=1))
    assert 1.0 - 1e-9 <= lengths.min() <= lengths.max() < 1.3


def test_the_sentence_that_carries_the_label_is_found() -> None:
    """Of a mail with the intent, the sentence that no other mail has speaks for it, the chatter does not."""
    mails = _mails(*[ENDING, CHAT] * (N_MAILS // 2))
    labels = np.array([[1], [0]] * (N_MAILS // 2))
    vectoriser = learn_vectoriser(mails)
    passages = cut_passages(vectoriser, mails)
    columns = np.arange(vectoriser.n_columns)
    weights = fit_passages(passages, columns, labels, np.ones((vectoriser.n_columns, 1)) * 0.01, seed=0)
    votes = (passages.vectors @ weights).ravel()[:3]
    assert votes.argmax() == 1
    assert weights[vectoriser.vocabularies["word"].columns["disdico"], 0] > 0


def test_a_model_weighs_passages_as_training_cut_them(trained_models: Path) -> None:
    """The strongest passage of a mail has the same vote in the worker as in training."""
    votes = load_model(trained_models).scorer.votes
    assert votes.passages is not None
    (mail,) = _mails(ENDING)
    expected = cut_passages(votes.vectoriser, [mail]).vectors @ votes.passages
    evidence = votes.evidence(votes.vectoriser.weigh_all(mail), np.zeros(len(votes.weights) - len(votes.passages)))
    np.testing.assert_allclose(evidence[-9:-6], expected.max(axis=0), atol=1e-9)


def test_a_model_without_passages_is_still_read(trained_models: Path) -> None:
    """The champion of before can be returned to: its arrays are fewer, its answers whole."""
    scorer = load_model(trained_models).scorer
    older = replace(
        scorer, votes=replace(scorer.votes, passages=None), stack_weights=scorer.stack_weights[:N_OLDER_EVIDENCE]
    )
    state = pack(older, load_lexicon())
    text = read_examples(sorted(CORPUS.glob("*.jsonl"))[:1])[0].text
    assert (state["format"], pack(scorer, load_lexicon())["format"]) == (OLDER_FORMAT, FORMAT)
    assert unpack(state).probabilities(text, text.new_text).shape == (3,)


def test_a_mail_whose_label_is_not_in_its_text_is_left_out(tmp_path: Path) -> None:
    """Nobody could tell an order from "vedi allegato", so that no model is trained or measured on it."""
    row = {"id": "1", "lang": "it", "subject": "", "body": "vedi allegato", "labels": ["order"], "tags": []}
    path = tmp_path / "mails.jsonl"
    path.write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'id': '2', 'tags': ['not_in_text']})}\n")
    assert [example.id for example in read_examples([path])] == ["1"]
