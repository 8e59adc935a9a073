"""Runs a module that kills itself, with SIGKILL, before, in or after its n-th commit, publish, ack and the like.

Usage: ``python -m tests.support.crashing after_commit@40 services.router``. ``in_commit`` is inside the transaction,
after its statements and before COMMIT. Instead of killing, ``before_commit@5=raise`` raises at every fifth passage,
and ``before_commit@20=sleep:40`` holds the twentieth up for 40 s. The product knows nothing of it: the doors of its
adapters are wrapped from outside.
"""

import asyncio
import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from itaca.broker.amqp import AmqpBroker
from itaca.broker.amqp_consumer import AmqpConsumer
from itaca.broker.amqp_session import AmqpDelivery
from itaca.storage.postgres import PostgresDatabase
from itaca.storage.sqlite import SqliteDatabase
from services.courier.doors import RelayDoor

Method = Callable[..., Awaitable[Any]]
DOORS: dict[str, list[tuple[type, str]]] = {
    "commit": [(SqliteDatabase, "write"), (PostgresDatabase, "write")],
    "publish": [(AmqpBroker, "publish"), (AmqpBroker, "publish_outcome")],
    "ack": [(AmqpConsumer, "ack_all")],
    "letter": [(AmqpDelivery, "ack")],
    "sending": [(RelayDoor, "deliver")],
}


class Fuse:
    """Counts passages through a door, and burns at the n-th.

    Args:
        when: ``before``, ``in`` (a transaction, before its COMMIT) or ``after``.
        action: ``kill``, ``raise`` or ``sleep:<seconds>``.
    """

    def __init__(self, when: str, nth: int, action: str) -> None:
        self._when, self._nth, self._action = when, nth, action
        self._passages = 0

    def wrap(self, method: Method) -> Method:
        async def door(*args: Any, **words: Any) -> Any:
            if _is_idle(args):
                return await method(*args, **words)
            self._passages += 1
            if self._when == "in" and self._passages >= self._nth:
                return await method(args[0], _killed_after(args[1]))
            if self._when == "before":
                await self._burn()
            result = await method(*args, **words)
            if self._when == "after":
                await self._burn()
            return result

        return door

    async def _burn(self) -> None:
        kind, _, seconds = self._action.partition(":")
        if self._passages >= self._nth and kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._passages % self._nth == 0 and kind == "raise":
            raise RuntimeError("a fault planted by the tests")
        if self._passages == self._nth and kind == "sleep":
            await asyncio.sleep(float(seconds))


def _killed_after(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def killed(connection: Any) -> Any:
        work(connection)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


def _is_idle(args: tuple[Any, ...]) -> bool:
    """An empty list of messages passes no door."""
    return len(args) > 1 and isinstance(args[-1], list | tuple) and not args[-1]


def main() -> None:
    """Wrap the doors of one point, then run the module as if it had been started itself."""
    point, module, *words = sys.argv[1:]
    name, _, rest = point.partition("@")
    nth, _, action = rest.partition("=")
    when, _, door = name.partition("_")
    fuse = Fuse(when, int(nth or 1), action or "kill")
    for owner, method in DOORS[door]:
        setattr(owner, method, fuse.wrap(getattr(owner, method)))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
