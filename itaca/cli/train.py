"""``itaca train`` and ``itaca evaluate``: make a candidate, and measure the model in use on labelled mail."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from itaca.cli.output import print_json, print_table
from itaca.cli.workshop import MODELS, ModelsDir, training_bar, workshop

TRAIN_EXAMPLE = "Example: itaca train --with labels/march.jsonl"
EVALUATE_EXAMPLE = "Example: itaca evaluate tests/model/slices/negation.jsonl"
_SHOWN = ("mails", "complaints safe", "complaints found", "macro f1", "review")


def train(
    labels: Annotated[
        list[Path] | None, typer.Option("--with", help="Labels of people; may be repeated.", exists=True)
    ] = None,
    corpus: Annotated[Path, typer.Option(help="Folder of the corpus.")] = MODELS / "corpus",
    models_dir: ModelsDir = MODELS,
    seed: Annotated[int, typer.Option(help="Fixed seed: the same corpus and seed give the same model.")] = 0,
    alpha: Annotated[
        float | None,
        typer.Option(help="Largest share of complaints that may be missed.", min=0.001, max=0.2, show_default="0.01"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Train a candidate on the corpus, and with labels judge it at the gate; `itaca models promote` puts it to work.

    Ends with 1 when the gate refuses the candidate.
    """
    if not labels:
        with training_bar() as progress:
            version = workshop().train(corpus, models_dir, seed, progress, alpha=alpha)
        print_json({"version": version}) if as_json else print(version)
        return
    with training_bar() as progress:
        found = workshop().improve(corpus, labels, models_dir, seed, progress, alpha=alpha)
    print_json(found) if as_json else _tell(found)
    if not found["passed"]:
        raise typer.Exit(1)


def _tell(found: dict[str, Any]) -> None:
    aside = ", ".join(f"{count} {reason}" for reason, count in found["set_aside"].items())
    print(f"accepted {found['accepted']} labels; set aside: {aside or 'none'}")
    print(found["verdict"])
    print(found["version"])


def evaluate(
    paths: Annotated[list[Path], typer.Argument(help="Labelled JSON lines, as in models/corpus.", exists=True)],
    models_dir: ModelsDir = MODELS,
    as_json: Annotated[bool, typer.Option("--json", help="Every figure with its interval, as one object.")] = False,
) -> None:
    """Measure the model in use on labelled mail that it never saw, over all, by language and by slice."""
    found = workshop().evaluate(paths, models_dir)
    if as_json:
        print_json(found)
        return
    print(f"{found['model']} on {found['mails']} mails; in brackets the 95 % interval")
    table = Table("", *_SHOWN, box=None)
    for name, figures in found["figures"].items():
        table.add_row(name, *(_figure(shown, figures.get(shown)) for shown in _SHOWN))
    print_table(table)


def _figure(name: str, figure: dict[str, float] | None) -> str:
    if figure is None:
        return "-"
    if name == "mails":
        return f"{figure['value']:.0f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
