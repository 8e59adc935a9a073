"""Faults of the lines between the parts, by proxies that cut, stall, slow and half-close, and of the relay."""

import asyncio
import random
from collections.abc import Sequence

from tests.fault.site import Site
from tests.support.chaos_proxy import ChaosProxy


def lines_of(site: Site, where: str) -> Sequence[ChaosProxy]:
    """Return the lines of one kind: ``front``, ``relay``, ``broker`` or ``ledger``."""
    match where:
        case "front":
            return [site.front]
        case "relay":
            return [site.relay_line]
        case "broker":
            return list(site.broker_lines.values())
        case _:
            return list(site.ledger_lines.values())


async def bad(site: Site, where: str, mode: str, seconds: float) -> None:
    """Let every line of one kind misbehave for some time; see ``tests.support.chaos_proxy.Mode``."""
    lines = lines_of(site, where)
    for line in lines:
        await line.set(mode)
    await asyncio.sleep(seconds)
    for line in lines:
        await line.set("pass")


async def cut(site: Site, where: str, times: int) -> None:
    """Cut the lines again and again: a request after so many bytes, or the answer to it."""
    rng = random.Random(f"{where} {times}")
    lines = lines_of(site, where)
    for number in range(times):
        mode = "cut_reply" if number % 2 else f"cut_after:{rng.randrange(1, 4000)}"
        for line in lines:
            await line.set(mode)
        await asyncio.sleep(rng.uniform(0.1, 0.5))
        for line in lines:
            await line.set("pass")
        await asyncio.sleep(rng.uniform(0.5, 1.0))


async def dead(site: Site, where: str) -> None:
    """Silence the connections that are open, for good, as when a machine dies without a word; new ones pass."""
    for line in lines_of(site, where):
        line.freeze_open()


async def relay_hangs_up(site: Site, seconds: float) -> None:
    """The relay takes each mail and hangs up instead of answering the final dot (RFC 1047)."""
    site.relay.hangs_up = True
    await asyncio.sleep(seconds)
    site.relay.hangs_up = False


async def relay_puts_off(site: Site, seconds: float) -> None:
    """The relay answers every mail with 451."""
    site.relay.reply = "451 4.3.0 later"
    await asyncio.sleep(seconds)
    site.relay.reply = "250 taken"
