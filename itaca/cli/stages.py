"""``itaca up`` and the stages one by one."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console

from itaca.cli.ledger import MEMORY, shared_settings
from itaca.errors import ConfigurationError
from itaca.main import Service, run_services
from itaca.process import Parts, Stage
from itaca.settings import LOCAL_OWNER
from itaca.storage.invitations import invite_first_admin, invite_path

STAGES = ("ingest", "classifier", "router", "courier", "watch", "desk")
_WITHOUT_BROKER = ("courier", "desk")
CheckOnly = Annotated[bool, typer.Option("--check-config", help="Check the configuration and exit with 0 or 2.")]
_FIRST_LINK = timedelta(hours=24)
_MEMORY_ONLY_TOGETHER = (
    "ITACA_BROKER_URL: stages in processes of their own need RabbitMQ (amqp://...); in memory works with `itaca up`"
)


def add_to(app: typer.Typer) -> None:
    """Add ``up`` and one verb for each stage."""
    app.command("up", epilog="Example: itaca up")(up)
    for name in STAGES:
        app.command(name, help=f"Run the stage {name} alone.", epilog=f"Example: itaca {name}")(_stage_verb(name))


def up(check_config: CheckOnly = False) -> None:
    """Run everything in one process: SQLite and a broker in memory, unless the environment says otherwise."""
    sys.exit(run_services([service(name) for name in STAGES], os.environ, only_check=check_config, on_ready=welcome))


def service(name: str) -> Service:  # type: ignore[type-arg]
    """Load one service by name; the command line may start it, never import from it.

    Raises:
        ConfigurationError: it is not part of this installation.
    """
    try:
        app = import_module(f"services.{name}.app")
        settings = import_module(f"services.{name}.settings")
    except ModuleNotFoundError as error:
        raise ConfigurationError([f"the stage {name} is not installed: {error.name} is missing"]) from error
    return Service(getattr(settings, f"{name.capitalize()}Settings"), app.build)


def _stage_verb(name: str) -> Callable[[bool], None]:
    def run(check_config: CheckOnly = False) -> None:
        if name not in _WITHOUT_BROKER and _is_broker_in_memory():
            raise ConfigurationError([_MEMORY_ONLY_TOGETHER])
        sys.exit(run_services([service(name)], os.environ, only_check=check_config))

    return run


def _is_broker_in_memory() -> bool:
    try:
        return shared_settings().broker_url.get_secret_value().startswith(MEMORY)
    except ConfigurationError:
        return False  # Said below, together with whatever else is wrong.


async def welcome(parts: Parts, stages: Sequence[Stage]) -> None:
    """Say what one needs to know next."""
    settings = parts.settings
    port = next((getattr(stage, "port", 0) for stage in stages if stage.name == "ingest"), 0)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[bold]Itaca is up.[/bold]")
    console.print(f"  Send mail to      127.0.0.1:{port} (SMTP)")
    console.print(
        f"  Metrics, health   http://{settings.metrics_host}:{settings.metrics_port}/metrics, /healthz, /readyz"
    )
    console.print(f"  Everything is in  {settings.data_dir.absolute()}")
    desk = next((getattr(stage, "address", "") for stage in stages if stage.name == "desk"), "")
    console.print(f"  The desk          {desk}")
    link = await _first_link(parts)
    if link:
        console.print(f"  [bold]First sign-in     {desk}{link}[/bold]  (works once; choose your password there)")
    if settings.owner_email == LOCAL_OWNER:
        console.print(
            f"  [yellow]Cases go to {LOCAL_OWNER}, who reads no mail.[/yellow] Add people: "
            'itaca people add "Anna Neri" anna@example.it'
        )
    console.print("  Try next          itaca send models/corpus/it_plain_complaints.jsonl --limit 20")
    console.print("                    itaca cases list")


async def _first_link(parts: Parts) -> str:
    """Return the path of a one-time link for the first admin; empty once an admin has a password."""
    now, rng = parts.clock.now(), parts.rng
    secret = await parts.database.write(lambda conn: invite_first_admin(conn, now, _FIRST_LINK, rng))
    return "" if secret is None else invite_path(secret)
