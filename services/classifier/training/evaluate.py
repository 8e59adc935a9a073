"""Comparing a model with labelled mails it was not trained on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from itaca.contracts.events import Judgement
from itaca.contracts.intents import Intent, Verdict
from services.classifier.manifest import Interval
from services.classifier.model import Model
from services.classifier.training.corpus import INTENTS, Example, label_matrix, read_examples
from services.classifier.training.figures import answer_figures
from services.classifier.vectors import Array


def judged(model: Model, examples: Sequence[Example]) -> tuple[Array, Array]:
    """Return what the model answers yes to (n_examples, n_intents), and which mails a person sees (n_examples,)."""
    judgements = model.judge([example.text for example in examples], with_spans=False)
    said = np.array([[_is_yes(judgement, intent) for intent in INTENTS] for judgement in judgements])
    return said, np.array([judgement.needs_review for judgement in judgements])


def _is_yes(judgement: Judgement, intent: Intent) -> bool:
    return judgement.verdicts[intent] is Verdict.YES


def evaluate(paths: Sequence[Path], model: Model) -> dict[str, Any]:
    """Return the figures of a model on labelled files: over all, per language, and per slice where one is named.

    Raises:
        PermanentError: a line is no labelled mail.
    """
    examples = read_examples(paths)
    groups: dict[str, list[int]] = {"all": list(range(len(examples)))}
    for row, example in enumerate(examples):
        groups.setdefault(example.language, []).append(row)
        if example.slice:
            groups.setdefault(f"slice {example.slice}", []).append(row)
    said, review = judged(model, examples)
    labels = label_matrix(examples)
    return {
        "model": model.version,
        "mails": len(examples),
        "figures": {
            name: _plain(answer_figures(labels[rows], said[rows], review[rows])) for name, rows in groups.items()
        },
    }


def _plain(figures: dict[str, Interval]) -> dict[str, Any]:
    return {name: figure.model_dump() for name, figure in figures.items()}
