"""``itaca train``, ``evaluate`` and ``models``: the classifier's workshop, started by name."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

ModelsDir = Annotated[Path, typer.Option(help="Folder of the models.")]
MODELS = Path("models")


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("train", epilog="Example: itaca train")(train)


def train(
    corpus: Annotated[Path, typer.Option(help="Folder of the corpus.")] = MODELS / "corpus",
    models_dir: ModelsDir = MODELS,
    seed: Annotated[int, typer.Option(help="Fixed seed: the same corpus and seed give the same model.")] = 0,
) -> None:
    """Train a candidate model on the corpus; `itaca models promote` puts it to work."""
    commands = _commands()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True))
    with bar:
        task = bar.add_task("training", total=1.0)
        version = commands.train(
            corpus, models_dir, seed, lambda share, what: bar.update(task, completed=share, description=what)
        )
    print(version)


def _commands() -> Any:
    return import_module("services.classifier.commands")
