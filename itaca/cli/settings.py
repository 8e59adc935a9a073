"""``itaca settings``: the configuration in effect."""

import os
from typing import Annotated

import typer

from itaca.cli.output import print_json
from itaca.cli.stages import STAGES, service
from itaca.main import load_services
from itaca.settings import masked

EXAMPLE = "Example: itaca settings | grep INGEST"


def settings(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print every setting with its effective value; secrets are masked. Exit 2 if something is wrong."""
    loaded = load_services([service(name) for name in STAGES], os.environ)
    shown = {name: value for one in loaded.values() for name, value in masked(one).items()}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        print(f"{name}={value}")
