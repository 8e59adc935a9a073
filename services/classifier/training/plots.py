"""The pictures of a report: precision and recall, calibration, and the price of safety."""

from pathlib import Path

import numpy as np

from services.classifier.training.corpus import INTENTS
from services.classifier.training.risk import RiskPoint
from services.classifier.vectors import Array

CALIBRATION_BINS = 10


def draw_plots(folder: Path, labels: Array, scores: Array, curve: list[RiskPoint]) -> list[str]:
    """Draw the three pictures into the folder and return their names.

    ``labels`` and ``scores`` have shape (n_mails, n_intents), out of fold.
    """
    # Only training draws; the classifier at work must neither need nor import matplotlib.
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "itaca"
    _draw(folder / "precision_recall.png", lambda axes: _precision_recall(axes, labels, scores))
    _draw(folder / "calibration.png", lambda axes: _calibration(axes, labels, scores))
    _draw(folder / "risk.png", lambda axes: _risk(axes, curve))
    return ["precision_recall.png", "calibration.png", "risk.png"]


def _draw(path: Path, fill) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    fill(axes)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _precision_recall(axes, labels: Array, scores: Array) -> None:  # type: ignore[no-untyped-def]
    for place, intent in enumerate(INTENTS):
        order = np.argsort(-scores[:, place], kind="stable")
        hits = np.cumsum(labels[order, place])
        axes.plot(hits / max(hits[-1], 1), hits / np.arange(1, len(order) + 1), label=intent.value)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0.5, 1.01), ylim=(0.5, 1.01), title="Out of fold")


def _calibration(axes, labels: Array, scores: Array) -> None:  # type: ignore[no-untyped-def]
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="ideal")
    for place, intent in enumerate(INTENTS):
        bins = np.clip(np.digitize(scores[:, place], edges) - 1, 0, CALIBRATION_BINS - 1)
        filled = [number for number in range(CALIBRATION_BINS) if (bins == number).any()]
        said = [scores[bins == number, place].mean() for number in filled]
        held = [labels[bins == number, place].mean() for number in filled]
        axes.plot(said, held, marker="o", markersize=3, label=intent.value)
    axes.set(xlabel="said probability", ylabel="share that holds", title="Calibration, out of fold")


def _risk(axes, curve: list[RiskPoint]) -> None:  # type: ignore[no-untyped-def]
    axes.plot([point.upper_bound for point in curve], [point.unsure_share for point in curve], label="bound, 90 %")
    seen = [point.misses / max(point.positives, 1) for point in curve]
    axes.plot(seen, [point.unsure_share for point in curve], linestyle="--", label="seen")
    axes.set(xlabel="complaints missed", ylabel="share of mail unsure about complaint", xlim=(0.0, 0.08))
    axes.set_title("The price of safety")
