"""A watch's surroundings: a ledger that can go away, and somebody who notes what is driven."""

from collections.abc import Sequence
from typing import Any

from itaca.cases.policy import Policy
from itaca.contracts.ids import MailId
from itaca.errors import TransientError
from itaca.mail.model import MailText
from itaca.observability.metrics import Metrics
from itaca.storage import tables as t
from itaca.storage.database import Database
from itaca.storage.mails import MailRow
from services.watch.drive import Drive
from services.watch.settings import WatchSettings
from tests.support.routed import Desk


class FlakyDatabase:
    """The real database, which is away for the calls that ``refuses`` counts down, after ``grace`` calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.grace = 0
        self.refuses = 0

    @property
    def dialect(self) -> str:
        return self._database.dialect

    async def write(self, work: Any) -> Any:
        self._ask()
        return await self._database.write(work)

    async def read(self, work: Any) -> Any:
        self._ask()
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()

    def _ask(self) -> None:
        if self.grace > 0:
            self.grace -= 1
        elif self.refuses > 0:
            self.refuses -= 1
            raise TransientError("the ledger is away")


class NotingDriver:
    """Notes which mails were driven, and which of them were read before."""

    def __init__(self) -> None:
        self.driven: list[MailId] = []
        self.read: set[MailId] = set()

    async def drive(self, mails: Sequence[MailRow], texts: dict[MailId, MailText]) -> None:
        self.driven += [mail.id for mail in mails]
        self.read |= set(texts)

    def take(self) -> list[MailId]:
        """Return what was driven since the last call, in order."""
        driven, self.driven = self.driven, []
        return driven


class Watch:
    """The driving half of a watch on a test ledger."""

    def __init__(self, desk: Desk, **settings: Any) -> None:
        self.desk, self.driver, self.metrics = desk, NotingDriver(), Metrics()
        self.database = FlakyDatabase(desk.ledger.database)
        ledger = desk.ledger
        self.drive = Drive(
            self.database, self.driver, ledger.clock, ledger.rng, Policy(), self.metrics, WatchSettings(**settings)
        )

    async def round(self, **step: float) -> list[MailId]:
        """Let time pass, do one round, and return what was driven."""
        await self.desk.pass_time(**step)
        await self.drive.run()
        return self.driver.take()

    async def reasons(self) -> list[str]:
        """Return the reasons of all cases in the history."""
        return [reason for row in await self.desk.rows(t.case_events) for reason in row.detail.get("reasons", [])]
