"""The way into every process: settings checked together, logs, event loop, exit codes.

Exit codes: 0 after a proper end, 1 after an error nobody foresaw, 2 when the configuration cannot be used.
"""

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from itaca.broker.open import open_broker
from itaca.cases.policy import company_policy
from itaca.clock import SystemClock
from itaca.errors import ConfigurationError
from itaca.keys import open_keyring
from itaca.mail.entity_patterns import load_patterns
from itaca.observability.logs import configure_logs
from itaca.process import Parts, Stage, run_stages
from itaca.settings import ServiceSettings, Settings, SharedSettings, load_all
from itaca.storage.address import database_url
from itaca.storage.receipts import open_signer

log = structlog.get_logger()
S = TypeVar("S", bound=ServiceSettings)
OnReady = Callable[[Parts, Sequence[Stage]], Awaitable[None]]


@dataclass(frozen=True)
class Service(Generic[S]):
    """One stage as a process knows it: its settings, and what builds it from them."""

    settings: type[S]
    build: Callable[[Parts, S], Stage]


def run_service(name: str, settings: type[S], build: Callable[[Parts, S], Stage]) -> None:
    """Run one service as this process, and end the process; ``--check-config`` only checks."""
    parser = argparse.ArgumentParser(prog=name, description=f"Run the stage {name} of Itaca.")
    parser.add_argument("--check-config", action="store_true", help="check the configuration: exit 0 or 2")
    only_check = parser.parse_args().check_config
    sys.exit(run_services([Service(settings, build)], os.environ, only_check=only_check))


def run_services(
    services: Sequence[Service[Any]],
    environ: Mapping[str, str],
    *,
    only_check: bool = False,
    on_ready: OnReady | None = None,
) -> int:
    """Run several services in one process and return its exit code.

    Problems go to standard error, each on a line of its own that begins with its variable.
    """
    try:
        loaded = load_services(services, environ)
    except ConfigurationError as error:
        return _refuse(error)
    if only_check:
        return 0
    shared = loaded[SharedSettings]
    assert isinstance(shared, SharedSettings)
    configure_logs(shared.log_level)
    builders = [_bound(service, loaded[service.settings]) for service in services]
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run_stages(shared, builders, on_ready=on_ready))
    except ConfigurationError as error:
        return _refuse(error)
    except Exception as error:  # noqa: BLE001
        # The last line of defence: the supervisor starts the process again, and the ledger knows what was in hand.
        log.error("process.failed", error=_names(error))
        return 1
    return 0


def load_services(services: Sequence[Service[Any]], environ: Mapping[str, str]) -> dict[type[Settings], Settings]:
    """Read the shared settings and those of every service, and look at the machine.

    Raises:
        ConfigurationError: every problem of all of them at once.
    """
    loaded = load_all([SharedSettings, *(service.settings for service in services)], environ)
    shared = loaded[SharedSettings]
    assert isinstance(shared, SharedSettings)
    problems = [problem for settings in loaded.values() for problem in settings.problems()]
    problems += _unusable(shared)
    if problems:
        raise ConfigurationError(problems)
    return loaded


def _unusable(shared: SharedSettings) -> list[str]:
    """Return what is wrong with addresses, keys and files that only those who use them can judge."""
    judges: list[Callable[[], object]] = [
        lambda: database_url(shared.ledger_url()),
        lambda: open_broker(shared.broker_url.get_secret_value(), SystemClock(), random.Random()),
        lambda: company_policy(shared),
    ]
    if shared.secret_key:
        judges.append(lambda: open_keyring(shared))
    if shared.receipt_key is not None:
        judges.append(lambda: open_signer(shared))
    if shared.entities_file is not None:
        judges.append(partial(load_patterns, shared.entities_file))
    problems: list[str] = []
    for judge in judges:
        try:
            judge()
        except ConfigurationError as error:
            problems += error.problems
    return problems


def _bound(service: Service[Any], settings: Settings) -> Callable[[Parts], Stage]:
    return lambda parts: service.build(parts, settings)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it exists; it does not on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _refuse(error: ConfigurationError) -> int:
    for problem in error.problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return 2


def _names(error: BaseException) -> str:
    """Return the types of an error and of those inside its groups, without their texts, which may hold data."""
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(_names(inner) for inner in error.exceptions)
    return type(error).__name__
