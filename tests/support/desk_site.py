"""A desk that really listens, on a ledger of its own and a clock moved by hand, with people who can sign in."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import Connection, select

from itaca.broker.memory import MemoryBroker
from itaca.cases.people import Person
from itaca.cases.roles import Role
from itaca.contracts.events import Judgement, Span
from itaca.contracts.ids import MailId, PersonId
from itaca.contracts.intents import CaseKind, Intent
from itaca.mail.model import Envelope
from itaca.mail.read import read_mail
from itaca.mail.rules import ReadingRules
from itaca.mail.written import written_text
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.accounts import set_password
from itaca.storage.invitations import digest, invite_person
from itaca.storage.mails import save_texts
from itaca.storage.migrate import upgrade
from itaca.storage.people import add_person, add_team
from itaca.storage.routing import Waiting
from services.desk.app import build
from services.desk.settings import DeskSettings
from services.desk.stage import DeskStage
from tests.support.case_facts import judgement
from tests.support.ledger import Ledger, open_ledger
from tests.support.routed import Desk

PASSWORD = "cavallo corretto batteria"
SHOP = "reclami@bottega.example"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
CAST = (
    ("Anna Neri", Role.AGENT),
    ("Marco Gallo", Role.LEAD),
    ("Giulia Ferri", Role.ADMIN),
    ("Paolo Conti", Role.OPS),
)
"""Everybody is led by the next but the last two."""


@dataclass
class Site:
    """One desk with its people; ``url`` is where it listens, ``stop`` ends it as a signal does."""

    ledger: Ledger
    stage: DeskStage
    people: dict[str, Person]
    stop: Callable[[], Awaitable[None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stage.port}"

    @property
    def routed(self) -> Desk:
        return Desk(self.ledger)

    async def receive(
        self, mail: EmailMessage | bytes, judged: Judgement | None, sender: str = "", spans: Sequence[str] = ()
    ) -> MailId:
        """Take in a mail as ingest does, read it, and let it be decided about; ``spans`` are words to mark."""
        await self.ledger.clock.advance(timedelta(seconds=1))
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        writer = sender or (mail["From"].addresses[0].addr_spec if isinstance(mail, EmailMessage) else "")
        envelope = Envelope(sender=writer, recipients=(SHOP,))
        mail_id = (await self.ledger.intake.accept(envelope, raw, "127.0.0.1")).mail_id
        text = read_mail(raw, envelope, ReadingRules())
        await self.ledger.database.write(lambda c: save_texts(c, [(mail_id, text)]))
        if judged is not None and spans:
            judged = judged.model_copy(update={"spans": _spans(written_text(text).new_text, spans, judged)})
        await self.routed.route(Waiting(mail_id, judged))
        return mail_id

    async def reference(self, kind: CaseKind = CaseKind.COMPLAINT, position: int = -1) -> str:
        """Return the reference of the newest case of a kind."""
        return str((await self.routed.cases(kind))[position].reference)

    async def give_to(self, name: str, reference: str) -> None:
        """Make somebody the owner of a case."""
        person_id = self.people[name].id

        def work(c: Connection) -> None:
            c.execute(t.cases.update().where(t.cases.c.reference == reference).values(owner_id=person_id))

        await self.ledger.database.write(work)

    async def count(self, table: object) -> int:
        return len(await self.routed.rows(table))

    async def events(self) -> list[str]:
        """Return what happened at the door, in order."""
        query = select(t.desk_events.c.kind).order_by(t.desk_events.c.at, t.desk_events.c.id)
        return list(await self.ledger.database.read(lambda c: c.scalars(query).all()))


@contextlib.asynccontextmanager
async def open_site(folder: Path, url: str = "", **variables: str) -> AsyncIterator[Site]:
    """Start a desk in a folder; the cast is there and can sign in by first name at ``bottega.example``.

    Args:
        url: of the ledger; a file in the folder without one.
    """
    shared = load(SharedSettings, {"ITACA_DATA_DIR": str(folder), "ITACA_ORGANISATION": "Bottega del Libro"})
    url = url or shared.ledger_url()
    await upgrade(url)
    async with open_ledger(url) as ledger:
        people = await ledger.database.write(lambda c: _cast(c, ledger))
        broker = MemoryBroker(ledger.clock, random.Random(1))
        await broker.start()
        parts = Parts(shared, ledger.database, broker, ledger.clock, ledger.rng, Metrics())
        stage = build(parts, load(DeskSettings, {"ITACA_DESK_PORT": "0", **variables}))
        stopping = asyncio.Event()
        running = asyncio.create_task(stage.run(stopping))

        async def stop() -> None:
            stopping.set()
            await running

        try:
            yield Site(ledger, stage, people, stop)
        finally:
            await stop()
            await broker.close()


def address_of(name: str) -> str:
    return f"{name.split()[0].lower()}@bottega.example"


def letter(subject: str, text: str, sender: str, name: str = "", **headers: str) -> EmailMessage:
    """Return a customer's mail."""
    message = EmailMessage()
    message["From"] = f"{name} <{sender}>" if name else sender
    message["To"] = SHOP
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((subject, text))):x}@{sender.partition('@')[2]}>"
    for key, value in headers.items():
        message[key.replace("_", "-")] = value
    message.set_content(text)
    return message


def _cast(c: Connection, ledger: Ledger) -> dict[str, Person]:
    now, rng = ledger.clock.now(), ledger.rng
    team = add_team(c, "Servizio Clienti", (), now, rng)
    apart = add_team(c, "Sistemi", (CaseKind.ORDER,), now, rng)
    people: dict[str, Person] = {}
    above: PersonId | None = None
    for name, role in reversed(CAST):
        home = apart if role is Role.OPS else team
        lead = None if role in (Role.OPS, Role.ADMIN) else above
        person = add_person(c, name, address_of(name), home.id, now, rng, (), lead)
        above, people[name] = person.id, person
        secret = invite_person(c, person.id, role, now, timedelta(hours=1), rng)
        set_password(c, digest(secret), QUICK.hash(PASSWORD), now)
    return people


def _spans(text: str, words: Sequence[str], judged: Judgement) -> tuple[Span, ...]:
    held = [intent for intent in Intent if judged.scores[intent] >= 0.5] or [Intent.COMPLAINT]
    return tuple(
        Span(
            intent=held[0], view="new", start=text.index(word), end=text.index(word) + len(word), weight=1.0, why="x"
        )
        for word in words
        if word in text
    )


__all__ = ["PASSWORD", "Site", "address_of", "judgement", "letter", "open_site"]
