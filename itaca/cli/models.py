"""``itaca models``: which models there are, which one judges, and how that changes."""

from typing import Annotated, Any

import typer
from rich.table import Table

from itaca.cli.output import print_json, print_table
from itaca.cli.workshop import MODELS, MailPaths, ModelsDir, workshop

app = typer.Typer(help="List, show, compare, promote and roll back models.", no_args_is_help=True)
Version = Annotated[str, typer.Argument(help="As `itaca models list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for a program.")]
_FACTS = ("version", "created_at", "corpus_mails", "labels_mails", "corpus_digest", "seed", "threshold_rule")


@app.command("list", epilog="Example: itaca models list")
def list_(models_dir: ModelsDir = MODELS, as_json: AsJson = False) -> None:
    """List the models, newest first, with their main figures."""
    rows = workshop().list_models(models_dir)
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        print("No models.")
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    print_table(table)


@app.command("show", epilog="Example: itaca models show")
def show(
    version: Annotated[str, typer.Argument(help="Default: the one in use.")] = "",
    models_dir: ModelsDir = MODELS,
    as_json: AsJson = False,
) -> None:
    """Show one model: what it was made from, its thresholds, and where its report is."""
    manifest = workshop().show_model(models_dir, version)
    if as_json:
        print_json(manifest)
        return
    for name in _FACTS:
        print(f"{name:<15} {manifest[name]}")
    for intent, limits in manifest["thresholds"].items():
        print(f"{intent:<15} yes from {limits['yes']}, no below {limits['no']}")
    print(f"{'report':<15} {models_dir / manifest['version'] / 'report.md'}")


@app.command("promote", epilog="Example: itaca models promote itaca-160b5c040848")
def promote(
    version: Version,
    despite_gate: Annotated[bool, typer.Option("--despite-gate", help="Even if the gate refused it.")] = False,
    models_dir: ModelsDir = MODELS,
) -> None:
    """Put a model to work; running classifiers change over within seconds, and no mail is judged twice."""
    print(workshop().promote(models_dir, version, despite_gate=despite_gate))


@app.command("rollback", epilog="Example: itaca models rollback")
def rollback(models_dir: ModelsDir = MODELS) -> None:
    """Return to the model that was in use before."""
    print(workshop().rollback(models_dir))


@app.command("shadow", epilog="Example: itaca models shadow itaca-160b5c040848 inbox/")
def shadow(version: Version, paths: MailPaths, models_dir: ModelsDir = MODELS, as_json: AsJson = False) -> None:
    """Judge files with the model in use and with another one, and show where they differ."""
    found = workshop().shadow(paths, models_dir, version)
    if as_json:
        print_json(found)
        return
    print(f"{found['mails']} mails, {len(found['differences'])} differ")
    for one in found["differences"]:
        print(f"{one['id']}  {_change(one)}")


def _change(one: dict[str, Any]) -> str:
    changes = [f"{name}: {one['champion'][name]} -> {one['candidate'][name]}" for name in one["intents"]]
    before, after = one["review"]
    if before != after:
        changes.append(f"review: {_yes(before)} -> {_yes(after)}")
    return ", ".join(changes)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:.4f}" if isinstance(value, float) else str(value if value is not None else "-")
