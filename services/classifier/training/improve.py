"""From labels to a verdict: a candidate trained with them, compared with the champion at the gate."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from itaca.contracts.ids import ModelVersion
from services.classifier.gate_note import GateNote, write_note
from services.classifier.model import Model, load_model
from services.classifier.promotion import open_version
from services.classifier.training.corpus import Example, corpus_files, is_frozen, read_examples
from services.classifier.training.gate import Verdict, compare, decide
from services.classifier.training.labels import Guarded, examples_of, guard, hold_back, read_labels
from services.classifier.training.risk import DEFAULT_ALPHA
from services.classifier.training.train import Recipe, train
from services.classifier.training.votes import Progress


@dataclass(frozen=True)
class Improvement:
    """A candidate with its verdict; ``guarded`` says which labels were let in and which set aside."""

    version: ModelVersion
    verdict: Verdict
    guarded: Guarded


def improve(
    corpus: Path,
    labels: list[Path],
    models_dir: Path,
    seed: int,
    progress: Progress,
    now: datetime,
    alpha: float = DEFAULT_ALPHA,
) -> Improvement:
    """Train a candidate with labels and send it through the gate; it is not promoted.

    The newest labels are held back from training and judge both models, with the frozen part of the corpus.
    ``alpha`` is the largest share of complaints that the candidate may miss.

    Raises:
        PermanentError: the labels are too few or too uneven, or no champion is promoted.
    """
    champion = load_model(models_dir)
    guarded = guard(read_labels(labels))
    learned, newest = hold_back(guarded.accepted)
    version = train(Recipe(corpus, seed, alpha, examples_of(learned)), models_dir, progress, now)
    verdict = judge_candidate(corpus, examples_of(newest), champion, open_version(models_dir, version))
    write_note(models_dir / version, GateNote(champion.version, verdict.passed, verdict.reasons))
    return Improvement(version, verdict, guarded)


def judge_candidate(corpus: Path, newest: list[Example], champion: Model, candidate: Model) -> Verdict:
    """Compare two models on the frozen part of the corpus and on the newest labels."""
    frozen = [example for example in read_examples(corpus_files(corpus)) if is_frozen(example)]
    comparisons = [compare("frozen test", frozen, champion, candidate)]
    if newest:
        comparisons.append(compare("newest labels", newest, champion, candidate))
    return decide(comparisons)
