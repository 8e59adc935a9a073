"""Doing one row: mail flows, the fault happens, mail flows on, and then everything is counted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.fault.disks import small_disk
from tests.fault.rows import Fault, Meanwhile, Where
from tests.fault.site import Site, distributed, embedded
from tests.fault.tally import Tally, tally
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer

BEFORE, AFTER = 10, 5
"""Mails that must be accepted before the fault, and after its end."""
LONGEST_ACT_S = 400.0
PAUSE_S = 1.0
"""Seconds that each of the four senders waits between two mails."""
STREAM_PAUSE_S = 0.1
"""The same in rows that ask for a number of mails."""


@dataclass(frozen=True)
class Figures:
    """What was measured: counts, offers that were put off, and seconds from the end of the fault to rest."""

    tally: Tally
    put_off: int
    recovered_s: float


async def measure(site: Site, fault: Fault, pause_s: float = PAUSE_S) -> Figures:
    """Do one fault to the site while mail flows, and count what became of the mail.

    Raises:
        AssertionError: a mail was refused, a process did what it must not, or it did not come to rest in time.
        NotPossibleError: this machine does not allow it.
    """
    flow = site.flow(min(pause_s, STREAM_PAUSE_S) if fault.mails else pause_s)
    flow.start()
    try:
        async with asyncio.timeout(LONGEST_ACT_S):
            await flow.more(BEFORE)
            await fault.act(site)
        ended_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(fault.recovers_s):
            await flow.more(max(AFTER, fault.mails - len(flow.accepted)))
            await flow.stop()
        await site.until_done(fault.recovers_s)
        recovered_s = asyncio.get_running_loop().time() - ended_s
    finally:
        await flow.abandon()
    assert flow.refused == [], f"refused for good: {flow.refused[:3]}"
    counted = await tally(site.ledger, flow.accepted, flow.senders, site.relay.received)
    assert len(flow.accepted) == len(flow.senders), "a mail was accepted under two ids or not at all"
    if fault.meanwhile is Meanwhile.TAKES_ALL:
        assert flow.put_off == 0, f"{flow.put_off} offers were put off"
    return Figures(counted, flow.put_off, recovered_s)


class Sites:
    """The running sites, one of each kind, made when first needed and made anew after a failure."""

    def __init__(self, folder: Path, rabbit: RabbitServer, postgres: PostgresServer) -> None:
        self._folder, self._rabbit, self._postgres = folder, rabbit, postgres
        self._open: dict[Where, tuple[Site, contextlib.AsyncExitStack]] = {}
        self._count = 0

    async def get(self, where: Where) -> Site:
        """Return the running site of this kind."""
        if where not in self._open:
            self._count += 1
            folder = self._folder / f"site{self._count}"
            folder.mkdir()
            stack = contextlib.AsyncExitStack()
            try:
                self._open[where] = (await self._start(where, folder, stack), stack)
            except BaseException:
                await stack.aclose()
                raise
        return self._open[where][0]

    async def give_up(self, where: Where) -> None:
        """Stop the site of this kind: what a failed row left in it must not fail the next."""
        if where in self._open:
            _, stack = self._open.pop(where)
            await stack.aclose()

    async def close(self) -> None:
        for where in list(self._open):
            await self.give_up(where)

    async def _start(self, where: Where, folder: Path, stack: contextlib.AsyncExitStack) -> Site:
        if where is Where.DISTRIBUTED:
            return await stack.enter_async_context(distributed(folder, self._rabbit, self._postgres))
        return await stack.enter_async_context(embedded(stack.enter_context(small_disk(folder))))


@contextlib.asynccontextmanager
async def open_sites(folder: Path, rabbit: RabbitServer, postgres: PostgresServer) -> AsyncIterator[Sites]:
    """Give sites on these servers, which the rows kill, and stop what still runs at the end."""
    sites = Sites(folder, rabbit, postgres)
    try:
        yield sites
    finally:
        await sites.close()
