"""The mail server in front: it offers a mail until it hears 250, as RFC 5321, 4.5.4.1 demands, and remembers."""

import asyncio
from dataclasses import dataclass, field

from services.ingest.limits import BytesInHand
from tests.simulation.chances import Chances
from tests.simulation.log import Log
from tests.simulation.loop import Life
from tests.simulation.mails import Letter

FIRST_PAUSE_S, LONGEST_PAUSE_S, REPLY_WITHIN_S = 20.0, 900.0, 120.0


@dataclass
class Door:
    """Where ingest can be reached now: its life and what accepts there; nobody while it is down."""

    life: Life | None = None
    acceptance: object = None


@dataclass
class Forwarder:
    """Offers letters; ``accepted`` are the ids that were answered with 250, ``bounced`` every 5xx."""

    door: Door
    chances: Chances
    log: Log
    accepted: dict[str, Letter] = field(default_factory=dict)
    bounced: list[tuple[Letter, str]] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)
    in_hand: int = 0

    async def bring(self, letter: Letter) -> None:
        """Offer one letter until it is taken."""
        self.in_hand += 1
        pause_s = FIRST_PAUSE_S
        while not await self._offer(letter):
            await asyncio.sleep(pause_s * self.chances.rng.uniform(0.8, 1.2))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self.in_hand -= 1

    async def _offer(self, letter: Letter) -> bool:
        """Offer it once; True when there is nothing more to do."""
        reply = await self._reply(letter)
        self.log.note("sender", f"hears {reply[:3] or 'nothing'} for", letter.name)
        if reply.startswith("5"):
            self.bounced.append((letter, reply))
            return True
        if not reply.startswith("250"):
            return False
        self.accepted.setdefault(reply.split()[2], letter)
        return not self.chances.happens("reply_lost")

    async def _reply(self, letter: Letter) -> str:
        life, acceptance = self.door.life, self.door.acceptance
        if life is None or life.is_dead:
            return ""
        loop = asyncio.get_running_loop()
        gone = loop.create_future()
        life.on_death.append(lambda: gone.done() or gone.set_result(None))
        lease = BytesInHand(1 << 30).lease()
        session = loop.create_task(
            acceptance.accept(letter.envelope, letter.raw, "sender", lease),  # type: ignore[attr-defined]
            context=life.context(),
        )
        patience_s = REPLY_WITHIN_S
        if self.chances.happens("sender_hangs_up"):
            patience_s = self.chances.rng.expovariate(2)
        await asyncio.wait({session, gone}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if not session.done():
            if not life.is_dead:
                session.cancel()
            return ""
        if session.cancelled():
            return ""
        error = session.exception()
        if error is not None:
            # As the SMTP hook does.
            self.log.note("ingest", "fails by", repr(error))
            self.unforeseen.append(repr(error))
            return "451"
        return session.result()
