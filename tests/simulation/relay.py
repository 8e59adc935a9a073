"""The mail server that takes what Itaca sends: in time, late, never, or without saying whether it did."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from itaca.cases.people import Person
from itaca.contracts.ids import OutboxId
from itaca.errors import PermanentError, TransientError
from itaca.storage.letters import Context
from services.courier.doors import AnswerLostError
from tests.simulation.chances import Chances
from tests.simulation.clock import Wall
from tests.simulation.log import Log


@dataclass(frozen=True)
class ShortLetter:
    """What matters of a letter: which mail an acknowledgement answers and the references of the cases it names."""

    is_acknowledgement: bool
    mail_id: str
    message_id: str
    references: tuple[str, ...]


class ShortLetters:
    """Writes letters that nobody has to read; those that people read are tested elsewhere."""

    def acknowledgement(self, entry: OutboxId, recipient: str, context: Context, now: datetime) -> Any:
        return _short(True, f"<ack.{context.mail.id}.{entry}@itaca.example>", context)

    def notice(self, entry: OutboxId, person: Person, event: str, context: Context, now: datetime) -> Any:
        return _short(False, f"<notice.{entry}@itaca.example>", context)

    def daily_list(self, entry: OutboxId, person: Person, count: int, context: Context, now: datetime) -> Any:
        return _short(False, f"<daily.{entry}@itaca.example>", context)

    def handoff(self, entry: OutboxId, mailbox: str, event: bytes, context: Context, now: datetime) -> Any:
        return _short(False, f"<handoff.{entry}@itaca.example>", context)


def _short(is_acknowledgement: bool, message_id: str, context: Context) -> ShortLetter:
    return ShortLetter(
        is_acknowledgement, context.mail.id, message_id, tuple(matter.reference for matter in context.matters)
    )


@dataclass(frozen=True)
class Delivered:
    """One letter that arrived."""

    at: datetime
    entry: str
    sender: str
    recipient: str
    letter: ShortLetter


class Relay:
    """Keeps every letter that arrived, in order."""

    def __init__(self, wall: Wall, chances: Chances, log: Log) -> None:
        self._wall, self._chances, self._log = wall, chances, log
        self.delivered: list[Delivered] = []

    def take(self, entry: str, sender: str, recipient: str, message: Any) -> None:
        self._log.note("relay", "delivers", entry)
        self.delivered.append(Delivered(self._wall.now(), entry, sender, recipient, message))

    def acknowledgements_to(self, address: str) -> list[Delivered]:
        return [one for one in self.delivered if one.recipient == address and one.letter.is_acknowledgement]


class RelayDoor:
    """A courier's door to the relay; ``is_idempotent`` as for files in a folder, whose names are the entries."""

    def __init__(self, relay: Relay, chances: Chances, *, is_idempotent: bool) -> None:
        self._relay, self._chances = relay, chances
        self.is_idempotent = is_idempotent

    async def deliver(self, entry: OutboxId, message: Any, sender: str, recipient: str) -> None:
        chances = self._chances
        await asyncio.sleep(chances.rng.uniform(1, 55) if chances.happens("relay_slow") else 0)
        if chances.happens("relay_later"):
            raise TransientError("the mail server put it off with 451")
        if chances.happens("relay_never") and not self.is_idempotent:
            raise PermanentError("the mail server refused it with 550")
        if chances.happens("relay_silent") and not self.is_idempotent:
            if chances.rng.random() < 0.5:
                self._relay.take(entry, sender, recipient, message)
            await asyncio.sleep(60)
            raise AnswerLostError("the mail server fell silent after the mail was sent")
        if not self.is_idempotent or all(one.entry != entry for one in self._relay.delivered):
            self._relay.take(entry, sender, recipient, message)
        await asyncio.sleep(0)
