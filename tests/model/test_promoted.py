"""The promoted model was trained on what the repository holds now: its corpus, its lexicon, its rules."""

from pathlib import Path

from services.classifier.lexicon import load_lexicon
from services.classifier.promotion import manifest_of
from services.classifier.training.corpus import corpus_digest, corpus_files, read_examples
from services.classifier.training.train import Recipe, version_of

MODELS = Path(__file__).parents[2] / "models"
CORPUS = MODELS / "corpus"


def test_the_corpus_is_the_one_that_the_model_was_trained_on() -> None:
    """Mails that were corrected or added since are not in the model: `make train`, and promote."""
    manifest = manifest_of(MODELS)
    assert manifest.corpus_digest == corpus_digest(corpus_files(CORPUS))
    assert manifest.corpus_mails == len(read_examples(corpus_files(CORPUS)))


def test_nothing_but_the_repository_is_in_the_model() -> None:
    """Labels of one company stay there: anybody can make the same model again."""
    assert manifest_of(MODELS).labels_mails == 0


def test_a_change_of_the_lexicon_asks_for_training() -> None:
    """The version is made of corpus, lexicon, seed, bound and libraries; the one in use is that of the repository."""
    manifest = manifest_of(MODELS)
    now = version_of(corpus_digest(corpus_files(CORPUS)), load_lexicon(), Recipe(CORPUS, manifest.seed))
    assert manifest.version == now, "run `make train` and promote the version that it prints"


def test_one_entry_more_in_the_lexicon_is_another_version() -> None:
    """What the test above relies on: no change of the lexicon goes unnoticed."""
    entries = load_lexicon()
    language = next(iter(entries))
    more = {**entries, language: {**entries[language], "one_more": "one more"}}
    recipe = Recipe(CORPUS, 0)
    assert version_of("digest", entries, recipe) != version_of("digest", more, recipe)
    assert version_of("digest", entries, recipe) == version_of("digest", load_lexicon(), recipe)
