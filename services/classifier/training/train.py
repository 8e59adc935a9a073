"""Training a model: labelled mails in, an immutable folder with model, manifest and report out."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent
from services.classifier.lexicon import build_lexicon, load_lexicon
from services.classifier.manifest import (
    MANIFEST_NAME,
    MODEL_NAME,
    REPORT_NAME,
    Interval,
    Manifest,
    describe_file,
    present_libraries,
)
from services.classifier.scorer import FORMAT, Scorer, pack
from services.classifier.training.corpus import (
    HARD_SOURCES,
    INTENTS,
    Example,
    corpus_digest,
    corpus_files,
    is_frozen,
    label_matrix,
    read_examples,
)
from services.classifier.training.figures import sliced_figures
from services.classifier.training.plots import draw_plots
from services.classifier.training.report import write_report
from services.classifier.training.risk import DEFAULT_ALPHA, DEFAULT_CONFIDENCE, RiskPoint, risk_curve
from services.classifier.training.thresholds import Choice, choose_thresholds
from services.classifier.training.votes import (
    Progress,
    fit_stack,
    fit_votes,
    out_of_fold_evidence,
    out_of_fold_scores,
    prepare,
)
from services.classifier.vectors import Array


@dataclass(frozen=True)
class Trained:
    """What training leaves in memory: the scores are out of fold, shape (n_examples, n_intents)."""

    examples: list[Example]
    labels: Array
    scores: Array
    choice: Choice
    scorer: Scorer


@dataclass(frozen=True)
class Recipe:
    """What a model is made from. ``extra`` are labels that people gave; ``alpha`` is the largest share of
    complaints that may be missed; ``judged_only`` are mails that give figures for the report and nothing else."""

    corpus: Path
    seed: int
    alpha: float = DEFAULT_ALPHA
    extra: Sequence[Example] = ()
    judged_only: Sequence[Example] = ()


def train(recipe: Recipe, out_dir: Path, progress: Progress, now: datetime) -> ModelVersion:
    """Train a model and leave it in ``out_dir``/<version>; it is not promoted.

    The same corpus, lexicon, labels and seed give the same version and the same bytes of ``model.joblib``.

    Raises:
        PermanentError: the corpus cannot be read.
    """
    files = corpus_files(recipe.corpus)
    digest = corpus_digest(files)
    entries = load_lexicon()
    version = version_of(digest, entries, recipe)
    if (out_dir / version / MANIFEST_NAME).is_file():
        progress(1.0, "this very model exists already")
        return version
    progress(0.0, "reading the corpus")
    corpus = read_examples(files)
    # Threads of the numerical libraries wait for each other longer than they work on matrices of this size.
    with threadpool_limits(1):
        trained = _fit([*corpus, *recipe.extra], entries, recipe, progress)
    progress(0.95, "writing the model and its report")
    folder = _new_folder(out_dir, version)
    joblib.dump(pack(trained.scorer, entries), folder / MODEL_NAME, compress=("zlib", 3))
    curve = _curve(trained)
    pictures = draw_plots(folder, trained.labels, trained.scores, curve)
    manifest = Manifest(
        version=version,
        created_at=now.isoformat(timespec="seconds"),
        files={name: describe_file(folder / name) for name in (MODEL_NAME, *pictures)},
        libraries=present_libraries(),
        corpus_digest=digest,
        corpus_mails=len(corpus),
        seed=recipe.seed,
        intents=INTENTS,
        thresholds=trained.choice.thresholds,
        threshold_rule=trained.choice.rule,
        unproven_languages=trained.choice.unproven_languages,
        scores=_figures(trained, [*corpus, *recipe.extra], recipe.judged_only),
        labels_mails=len(recipe.extra),
    )
    (folder / REPORT_NAME).write_text(write_report(manifest, curve, pictures), encoding="utf-8")
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _publish(folder, out_dir / version)
    progress(1.0, "done")
    return version


def _fit(
    examples: Sequence[Example], entries: Mapping[str, Mapping[str, str]], recipe: Recipe, progress: Progress
) -> Trained:
    """Fit both layers on everything but the frozen part."""
    lexicon = build_lexicon(entries)
    learned = [example for example in examples if not is_frozen(example)]
    labels = label_matrix(learned).astype(np.float64)
    prepared = prepare(learned, lexicon)
    evidence, folds = out_of_fold_evidence(learned, prepared, labels, recipe.seed, progress)
    scores = out_of_fold_scores(evidence, labels, folds)
    progress(0.8, "fitting on all folds")
    votes = fit_votes(prepared, labels, list(range(len(learned))), recipe.seed)
    scorer = Scorer(lexicon, votes, *fit_stack(evidence, labels))
    languages = np.array([example.language for example in learned])
    hard = np.array([example.source.endswith(HARD_SOURCES) for example in learned])
    choice = choose_thresholds(scores, labels, languages, hard, recipe.alpha, DEFAULT_CONFIDENCE)
    return Trained(learned, labels, scores, choice, scorer)


def _figures(
    trained: Trained, examples: Sequence[Example], judged_only: Sequence[Example]
) -> dict[str, dict[str, Interval]]:
    """Return the figures out of fold, on the frozen part, and on the mails that are only judged."""
    limits = trained.choice.thresholds
    found = sliced_figures(trained.examples, trained.scores, limits)
    for prefix, group in (("frozen ", [e for e in examples if is_frozen(e)]), ("slice ", list(judged_only))):
        if group:
            scores = np.array([trained.scorer.probabilities(e.text, e.text.new_text) for e in group])
            found.update(sliced_figures(group, scores, limits, prefix))
    return found


def _curve(trained: Trained) -> list[RiskPoint]:
    complaint = INTENTS.index(Intent.COMPLAINT)
    yes = trained.choice.thresholds[Intent.COMPLAINT].yes
    return risk_curve(trained.scores[:, complaint], trained.labels[:, complaint], yes, DEFAULT_CONFIDENCE)


def version_of(corpus: str, entries: Mapping[str, Mapping[str, str]], recipe: Recipe) -> ModelVersion:
    """Return the name of the model that training makes of a corpus (its digest), a lexicon and a recipe.

    It tells apart whatever may change the model: so a promoted version can be checked against the repository.
    """
    facts = {
        "corpus": corpus,
        "lexicon": entries,
        "labels": [[e.id, sorted(e.labels), e.text.model_dump_json()] for e in recipe.extra],
        "seed": recipe.seed,
        "alpha": recipe.alpha,
        "format": FORMAT,
        "libraries": present_libraries(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return ModelVersion(f"itaca-{digest[:12]}")


def _new_folder(out_dir: Path, version: ModelVersion) -> Path:
    """Make an empty folder beside the later place of the model."""
    folder = out_dir / f".{version}.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    return folder


def _publish(folder: Path, place: Path) -> None:
    """Flush every file to the disk and put the folder in place by one rename."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    folder.rename(place)
