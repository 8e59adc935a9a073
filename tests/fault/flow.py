"""An endless stream of mails of every kind, each its customer's own, offered until it is taken."""

import asyncio
import random
import re
from collections.abc import Iterator

from tests.support.deployment import Deployment
from tests.support.traffic import Traffic, mixed_mails

_POOL = 200
_MESSAGE_ID = re.compile(rb"(?im)^(Message-ID: *<)")
TRIES = 3000
"""Offers of one mail before the flow gives up: ten minutes and more."""


def endless_mails(tag: str) -> Iterator[tuple[str, bytes]]:
    """Yield (sender, raw mail) for ever; sender and Message-ID carry the tag and a number, so none comes twice."""
    pool = mixed_mails(_POOL)
    random.Random(tag).shuffle(pool)
    number = 0
    while True:
        for sender, raw in pool:
            local, _, domain = sender.partition("@")
            fresh = f"{local}.{tag}.{number}@{domain}"
            text = raw.replace(sender.encode(), fresh.encode())
            yield fresh, _MESSAGE_ID.sub(rb"\g<1>%s.%d." % (tag.encode(), number), text)
            number += 1


class Flow:
    """Hands mails in over a few connections from ``start`` to ``stop``.

    Attributes:
        senders: of the mails that were offered; each mail has its own.
    """

    def __init__(self, deployment: Deployment, tag: str, pause_s: float, connections: int = 4) -> None:
        self._traffic = Traffic(deployment, (), tries=TRIES)
        self._mails = endless_mails(tag)
        self._connections, self._pause_s = connections, pause_s
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self.senders: set[str] = set()

    @property
    def accepted(self) -> set[str]:
        """The ids that were said with 250."""
        return self._traffic.accepted

    @property
    def refused(self) -> list[str]:
        return self._traffic.refused

    @property
    def put_off(self) -> int:
        """How often a mail was not taken and offered again."""
        return self._traffic.put_off

    def start(self) -> None:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._connections)]

    async def stop(self) -> None:
        """Take no further mail; what was offered is offered until it is taken."""
        self._stopping.set()
        await asyncio.gather(*self._workers)

    async def abandon(self) -> None:
        """End it at once, because what it feeds is broken."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def more(self, count: int) -> None:
        """Return when this many further mails were accepted."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted:
            for worker in self._workers:
                if worker.done():
                    worker.result()
            await asyncio.sleep(0.05)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            sender, raw = next(self._mails)
            self.senders.add(sender)
            await self._traffic.offer(sender, raw)
            await asyncio.sleep(self._pause_s)
