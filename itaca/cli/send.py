"""``itaca send``: mail files to Itaca by SMTP, as a mail server would."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from itaca.cli.output import print_json
from itaca.cli.sending import SendReport, send_files

EXAMPLE = "Example: itaca send models/corpus/it_plain_complaints.jsonl --limit 20"
_MOST_SHOWN = 20


def send(
    paths: Annotated[
        list[Path], typer.Argument(help=".eml files, Maildir or mbox folders, corpus JSONL.", exists=True)
    ],
    host: Annotated[str, typer.Option(help="Where Itaca listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.", min=1, max=65535, envvar="ITACA_INGEST_PORT")] = 2525,
    sender: Annotated[str, typer.Option(help="Envelope sender; default: the From of each mail.")] = "",
    recipient: Annotated[str, typer.Option(help="Envelope recipient; default: the To of each mail.")] = "",
    limit: Annotated[int, typer.Option(help="Send at most so many mails; 0: all.", min=0)] = 0,
    concurrency: Annotated[int, typer.Option(help="Connections at once.", min=1, max=50)] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the accepted ids and refusals as JSON.")] = False,
) -> None:
    """Send mail files by SMTP and say what became of each."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("send", total=None)
        report = asyncio.run(
            send_files(
                paths,
                host,
                port,
                sender=sender,
                recipient=recipient,
                concurrency=concurrency,
                limit=limit,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    _say(report, as_json)
    raise typer.Exit(0 if report.is_complete else 1)


def _say(report: SendReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    print(f"{len(report.accepted)} accepted, {len(report.not_sent)} not accepted")
    for one in report.not_sent[:_MOST_SHOWN]:
        print(f"  {one.name}: {one.reply}")
