"""The report of a model: figures a person can check, with the number of mails behind each."""

from collections.abc import Mapping, Sequence

from itaca.contracts.intents import Intent
from services.classifier.manifest import Interval, Manifest
from services.classifier.training.risk import RiskPoint

_COLUMNS = (
    "f1 order",
    "f1 complaint",
    "f1 cancellation",
    "macro f1",
    "complaints found",
    "complaints safe",
    "review",
)
_EXPLAINED = """Every figure has its 95 % interval in brackets. *complaints found*: answered complaint.
*complaints safe*: answered complaint or sent to a person. *review*: share of mail that a person sees because a
verdict is unsure. Rows without a prefix are out of fold: each mail was judged by a model that never saw its
customer. Rows that begin with *frozen* are the tenth of the customers that no part of training saw. Rows that
begin with *slice* are mails written apart from the corpus. Mails of the corpus whose label stands in an attachment
only (tag *not_in_text*) are neither trained on nor counted.
"""


def write_report(manifest: Manifest, curve: Sequence[RiskPoint], pictures: Sequence[str]) -> str:
    """Return the report in Markdown."""
    parts = [
        f"# Model {manifest.version}\n",
        f"Trained on {manifest.corpus_mails} mails of the corpus (SHA-256 {manifest.corpus_digest[:16]}...)"
        f" and {manifest.labels_mails} labels of people, seed {manifest.seed}.\n",
        "## Figures\n",
        _EXPLAINED,
        _table(manifest.scores),
        "## Thresholds\n",
        f"Rule: {manifest.threshold_rule}.\n",
        *(_threshold_line(manifest, intent) for intent in manifest.intents),
        _unproven(manifest),
        "## The price of safety\n",
        "How much mail is left unsure about complaint, against the bound on complaints answered no.\n",
        _curve(curve),
        "## Pictures\n",
        *(f"![{name.removesuffix('.png').replace('_', ' ')}]({name})\n" for name in pictures),
    ]
    return "\n".join(parts)


def _table(scores: Mapping[str, Mapping[str, Interval]]) -> str:
    rows = [f"| slice | mails | {' | '.join(_COLUMNS)} |", f"|---|---|{'---|' * len(_COLUMNS)}"]
    for name, figures in scores.items():
        cells = [_cell(figures.get(column)) for column in _COLUMNS]
        rows.append(f"| {name} | {int(figures['mails'].value)} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _cell(figure: Interval | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.3f} ({figure.low:.2f}-{figure.high:.2f})"


def _threshold_line(manifest: Manifest, intent: Intent) -> str:
    limits = manifest.thresholds[intent]
    return f"* {intent.value}: yes from {limits.yes:.3f}, no below {limits.no:.3f}"


def _unproven(manifest: Manifest) -> str:
    if not manifest.unproven_languages:
        return "\nEvery language has enough complaints for such a bound; this one is of all languages together.\n"
    names = ", ".join(manifest.unproven_languages)
    return (
        f"\nToo few complaints for any such bound of their own in: {names}. Mail in these languages that would be "
        "answered no complaint goes to a person.\n"
    )


def _curve(curve: Sequence[RiskPoint]) -> str:
    rows = ["| no below | missed | of | upper bound, 90 % | mail unsure |", "|---|---|---|---|---|"]
    shown = [point for number, point in enumerate(curve) if number % 4 == 0]
    rows.extend(
        f"| {p.threshold:.3f} | {p.misses} | {p.positives} | {p.upper_bound:.3f} | {p.unsure_share:.3f} |"
        for p in shown
    )
    return "\n".join(rows) + "\n"
