"""``itaca classify``: judge mails from files, one JSON line each."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from itaca.cli.output import print_json
from itaca.cli.workshop import MODELS, ModelsDir, workshop

EXAMPLE = "Example: itaca classify models/corpus/it_retail.jsonl | head -3"


def classify(
    paths: Annotated[
        list[Path], typer.Argument(help=".eml files, mbox files, Maildir folders or JSONL.", exists=True)
    ],
    explain: Annotated[bool, typer.Option("--explain", help="Add the spans that spoke for and against.")] = False,
    models_dir: ModelsDir = MODELS,
) -> None:
    """Judge mails: id, intents, scores, verdicts, review, language and model, one JSON line for each."""
    bar = Progress(
        TextColumn("judging"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("judge", total=None)
        for row in workshop().classify(paths, models_dir, explain=explain):
            print_json(row)
            bar.advance(task)
