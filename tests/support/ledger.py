"""Rows for the tests of the ledger: a mail, people, a case with its promise and its history."""

import contextlib
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, insert

from itaca.cases.people import Person
from itaca.clock import ManualClock
from itaca.contracts.ids import CaseId, CustomerId, MailId, OutboxId, PromiseId, new_reference, uuid7
from itaca.contracts.intents import CaseKind, OutboxKind
from itaca.mail.model import Envelope
from itaca.storage.database import Database
from itaca.storage.intake import Intake
from itaca.storage.migrate import upgrade
from itaca.storage.moments import to_micros
from itaca.storage.open import open_database
from itaca.storage.outbox import NewEntry
from itaca.storage.people import ensure_first_owner
from itaca.storage.tables import case_events, case_mails, cases, customers, promises

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
ENVELOPE = Envelope(sender="anna@example.org", recipients=("reclami@shop.example",))


class Ledger:
    """A database with an intake, a clock that stands still and seeded chance."""

    def __init__(self, database: Database, seed: int = 7) -> None:
        self.database = database
        self.clock = ManualClock(NOW)
        self.rng = random.Random(seed)
        self.intake = Intake(database, self.clock, self.rng)

    async def accept(self, raw: bytes = b"Subject: libri\r\n\r\nDove sono?\r\n") -> MailId:
        """Take in one mail and return its id."""
        return (await self.intake.accept(ENVELOPE, raw, "127.0.0.1")).mail_id

    async def owner(self) -> Person:
        """Return the first owner, who is made when missing."""
        person, _ = await self.database.write(
            lambda c: ensure_first_owner(c, "penelope@shop.example", "Penelope", self.clock.now(), self.rng)
        )
        return person

    async def open_case(self, mail_id: MailId, kind: CaseKind = CaseKind.COMPLAINT, matter: str = "") -> CaseId:
        """Open a case as the router does: customer, owner, link, promise and history."""
        owner = await self.owner()
        return await self.database.write(lambda c: self._insert_case(c, mail_id, kind, matter, owner))

    def entry(self, kind: OutboxKind, dedupe_key: str, **more: object) -> NewEntry:
        """Return something to send, due now."""
        now = self.clock.now()
        return NewEntry(OutboxId(self.new_id()), kind, dedupe_key, {"text": "però"}, now, **more)  # type: ignore[arg-type]

    def new_id(self) -> str:
        return uuid7(self.clock.now(), self.rng)

    def _insert_case(self, c: Connection, mail_id: MailId, kind: CaseKind, matter: str, owner: Person) -> CaseId:
        now = to_micros(self.clock.now())
        customer_id, case_id = CustomerId(self.new_id()), CaseId(self.new_id())
        c.execute(insert(customers).values(id=customer_id, name="Anna", since=now))
        case = {"id": case_id, "reference": new_reference(self.rng), "kind": kind.value, "matter": matter}
        c.execute(
            insert(cases).values(**case, customer_id=customer_id, opened_by=mail_id, owner_id=owner.id, opened_at=now)
        )
        c.execute(insert(case_mails).values(case_id=case_id, mail_id=mail_id, role="opened"))
        due = to_micros(self.clock.now() + timedelta(days=3))
        promise_id = PromiseId(self.new_id())
        c.execute(insert(promises).values(id=promise_id, case_id=case_id, kind="answer", made_at=now, due_at=due))
        event = {"id": self.new_id(), "case_id": case_id, "at": now, "kind": "opened", "actor": "router"}
        c.execute(insert(case_events).values(**event, mail_id=mail_id, detail={"why": "complaint"}))
        return case_id


@contextlib.asynccontextmanager
async def open_ledger(url: str, seed: int = 7) -> AsyncIterator[Ledger]:
    """Open the ledger at this address, as one process would."""
    database = await open_database(url)
    ledger = Ledger(database, seed)
    try:
        yield ledger
        await ledger.intake.close()
    finally:
        await database.close()


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="itaca-ledger-")


async def new_ledger_file(folder: Path, name: str = "ledger.db") -> str:
    """Return the address of an empty ledger in ``folder``: a copy of one that this process migrated once."""
    template = Path(_template().name) / "ledger.db"
    if not template.exists():
        await upgrade(f"sqlite:///{template}")
    shutil.copy(template, folder / name)
    return f"sqlite:///{folder}/{name}"
