"""A stream of corpus mails handed in as a mail server would: what is put off or cut short is offered again."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiosmtplib

from tests.support.corpus import corpus_mails
from tests.support.deployment import Deployment

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Traffic:
    """Sends mails over a few connections until each has its 250; ``accepted`` holds their ids."""

    deployment: Deployment
    mails: Sequence[tuple[str, bytes]]
    connections: int = 8
    pause_s: float = 0.0
    tries: int = 300
    accepted: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    put_off: int = 0

    async def run(self) -> None:
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        for mail in self.mails:
            queue.put_nowait(mail)
        await asyncio.gather(*(self._work(queue) for _ in range(self.connections)))

    async def _work(self, queue: "asyncio.Queue[tuple[str, bytes]]") -> None:
        while not queue.empty():
            sender, raw = queue.get_nowait()
            await self.offer(sender, raw)
            await asyncio.sleep(self.pause_s)

    async def offer(self, sender: str, raw: bytes) -> None:
        """Offer the identical bytes until they are taken, as RFC 5321 asks of a mail server; ``tries`` at most."""
        for _ in range(self.tries):
            try:
                reply = await self.deployment.send(raw, sender)
            except aiosmtplib.SMTPResponseException as error:
                if error.code >= 500:
                    self.refused.append(f"{error.code} {error.message}")
                    return
            except (aiosmtplib.SMTPException, OSError):
                pass
            else:
                found = _ID.search(reply)
                assert found, reply
                self.accepted.add(found[0])
                return
            self.put_off += 1
            await asyncio.sleep(0.2)
        raise AssertionError(f"a mail was not taken in {self.tries} tries")


def mixed_mails(count: int) -> list[tuple[str, bytes]]:
    """Return corpus mails of every kind: half complaints, the rest orders, cancellations, combinations and others."""
    half = count // 2
    rest = count - half
    kinds: list[tuple[str, ...]] = [("order",), ("cancellation",), ("complaint", "order"), ("other",)]
    found = corpus_mails(half, "complaint")
    for number, kind in enumerate(kinds):
        share = rest // len(kinds) + (1 if number < rest % len(kinds) else 0)
        found += corpus_mails(share, *kind)
    return found
