"""What every page is made from: the ledger, the clock, the templates, and the rules of the company."""

import random
from dataclasses import dataclass
from datetime import time

from itaca.broker.port import Broker
from itaca.cases.deadlines import END_OF_DAY
from itaca.cases.policy import Policy
from itaca.clock import Clock
from itaca.contracts.ids import PersonId
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.desk_events import DoorEvent, note, note_of_stranger
from services.desk.cleaner import Cleaner
from services.desk.live import Live
from services.desk.passwords import Passwords
from services.desk.rendering import Pages
from services.desk.settings import DeskSettings


@dataclass(frozen=True)
class Desk:
    """One desk; pages reach everything through it."""

    database: Database
    clock: Clock
    rng: random.Random
    shared: SharedSettings
    settings: DeskSettings
    policy: Policy
    pages: Pages
    passwords: Passwords
    cleaner: Cleaner
    broker: Broker
    live: Live

    @property
    def closing_time(self) -> time:
        """Return when a promised day ends."""
        return END_OF_DAY

    @property
    def address(self) -> str:
        """Return the address by which people reach the desk; without one configured, the path alone."""
        return self.settings.public_url.rstrip("/")

    def cookie(self, name: str) -> str:
        """Return the cookie's name; by TLS with the prefix that ties it to this host (RFC 6265bis, 4.1.3.2)."""
        return f"__Host-{name}" if self.settings.is_https else name

    async def note(
        self, kind: DoorEvent, client: str, *, person_id: PersonId | None = None, subject: str = "", detail: str = ""
    ) -> None:
        """Write down what happened at the door.

        Raises:
            TransientError: the ledger is away.
        """
        now, rng = self.clock.now(), self.rng
        await self.database.write(
            lambda conn: note(
                conn, kind, now, rng, person_id=person_id, client=client, subject=subject, detail=detail
            )
        )

    async def note_of_stranger(self, kind: DoorEvent, client: str, *, subject: str = "", detail: str = "") -> None:
        """Write down what somebody did whom nobody let in, as long as they did not do it too often of late.

        Raises:
            TransientError: the ledger is away.
        """
        now, rng = self.clock.now(), self.rng
        await self.database.write(
            lambda conn: note_of_stranger(conn, kind, now, rng, client=client, subject=subject, detail=detail)
        )
