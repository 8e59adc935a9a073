"""What the router does while an alarm about drift stands: a "no complaint" that was a near thing goes to a person."""

from dataclasses import replace

from itaca.cases.drift import cautious
from itaca.cases.model import MailFacts
from itaca.clock import Clock
from itaca.storage.database import Database
from itaca.storage.drift import standing_alarms

_EVERY_S = 60.0


class Caution:
    """The alarms that stand, read at most once a minute."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._next_s = clock.monotonic_s()
        self._alarms: dict[str, float] = {}

    async def refresh(self) -> None:
        """Read the alarms if a minute has passed.

        Raises:
            TransientError: the ledger is away.
        """
        if self._clock.monotonic_s() >= self._next_s:
            self._alarms = await self._database.read(standing_alarms)
            self._next_s = self._clock.monotonic_s() + _EVERY_S

    def applied(self, mail: MailFacts) -> MailFacts:
        """Return the mail as a decision shall see it; the reading is kept as the model gave it."""
        if mail.judgement is None or not self._alarms:
            return mail
        return replace(mail, judgement=cautious(mail.judgement, self._alarms))
