"""How a verb reaches the classifier's workshop: started by name, with the folder of models that ``itaca up`` uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

MODELS = Path("models")
ModelsDir = Annotated[Path, typer.Option(help="Folder of the models.", envvar="ITACA_CLASSIFIER_MODELS_DIR")]
MailPaths = Annotated[list[Path], typer.Argument(help=".eml, mbox, Maildir or JSON lines.", exists=True)]


def workshop() -> Any:
    """Return the module that judges files, trains, compares and changes models."""
    return import_module("services.classifier.commands")


@contextmanager
def training_bar() -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar on standard error; what is given takes the share done (0 to 1) and what is being done."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True))
    with bar:
        task = bar.add_task("training", total=1.0)
        yield lambda share, what: bar.update(task, completed=share, description=what)
