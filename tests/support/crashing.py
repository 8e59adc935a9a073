"""Runs a module that kills itself, with SIGKILL, before or after its n-th commit, publish or ack.

Usage: ``python -m tests.support.crashing after_commit@40 services.router``. The product knows nothing of it: the
doors of its adapters are wrapped from outside.
"""

import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from itaca.broker.amqp import AmqpBroker
from itaca.broker.amqp_consumer import AmqpConsumer
from itaca.storage.postgres import PostgresDatabase
from itaca.storage.sqlite import SqliteDatabase

Method = Callable[..., Awaitable[Any]]
DOORS: dict[str, list[tuple[type, str]]] = {
    "commit": [(SqliteDatabase, "write"), (PostgresDatabase, "write")],
    "publish": [(AmqpBroker, "publish"), (AmqpBroker, "publish_outcome")],
    "ack": [(AmqpConsumer, "ack_all")],
}


class Fuse:
    """Counts passages through a door, and burns at the n-th."""

    def __init__(self, before: bool, nth: int) -> None:
        self._before, self._left = before, nth

    def wrap(self, method: Method) -> Method:
        async def door(*args: Any, **words: Any) -> Any:
            if _is_idle(args):
                return await method(*args, **words)
            self._left -= 1
            if self._before and self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            result = await method(*args, **words)
            if not self._before and self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return door


def _is_idle(args: tuple[Any, ...]) -> bool:
    """An empty list of messages passes no door."""
    return len(args) > 1 and isinstance(args[-1], list | tuple) and not args[-1]


def main() -> None:
    """Wrap the doors of one point, then run the module as if it had been started itself."""
    point, module, *words = sys.argv[1:]
    name, _, nth = point.partition("@")
    when, _, door = name.partition("_")
    fuse = Fuse(when == "before", int(nth or 1))
    for owner, method in DOORS[door]:
        setattr(owner, method, fuse.wrap(getattr(owner, method)))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
