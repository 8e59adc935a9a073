"""A router's transaction on a test ledger: mails come in, are judged by the test, and are settled."""

import functools
import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from itaca.cases.decision import decide
from itaca.cases.people import Person
from itaca.cases.policy import Policy
from itaca.contracts.events import Judgement
from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import Entity, EntityKind, MailText
from itaca.storage import tables as t
from itaca.storage.books import balance
from itaca.storage.departures import departed
from itaca.storage.mails import save_texts
from itaca.storage.outbox import OutboxEntry, claim_due
from itaca.storage.people import add_person, add_team
from itaca.storage.routing import Routed, Waiting, route
from tests.support.case_facts import judgement, mail_text
from tests.support.ledger import Ledger

POLICY = Policy()
COMPLAINT, CANCELLATION, ORDER, NOTHING = judgement("N", "Y"), judgement("N", "N", "Y"), judgement("Y"), judgement()
UNSURE = judgement("N", "U")
COLLEAGUE = {"sender": "bruno@fabbri.example", "reply_to_address": "bruno@fabbri.example"}
FIRM = {"sender": "anna@fabbri.example", "reply_to_address": "anna@fabbri.example"}
_numbers = itertools.count(1)


class Desk:
    """One process that routes; ``ledger`` is its own door to the database."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @property
    def now(self) -> datetime:
        return self.ledger.clock.now()

    async def staff(self, *names: str) -> list[Person]:
        """Add people, each led by the next."""
        return await self.ledger.database.write(lambda c: self._staff(c, names))

    async def take(self, text: MailText | None = None) -> MailId:
        """Accept one mail; without a text it stays unread."""
        mail_id = await self.ledger.accept(b"mail %d" % next(_numbers))
        if text is not None:
            await self.ledger.database.write(lambda c: save_texts(c, [(mail_id, text)]))
        return mail_id

    async def route(self, *waiting: Waiting, audit_per_month: float = 0.0, policy: Policy = POLICY) -> Routed:
        """Decide about these in one transaction."""
        now, rng = self.now, self.ledger.rng
        today = policy.calendar.today(now)
        return await self.ledger.database.write(
            lambda c: route(
                c, waiting, lambda m, s: decide(m, s, policy), now, today, rng, "router", audit_per_month, policy
            )
        )

    async def settle(
        self,
        judged: Judgement | None,
        new_text: str = "testo",
        *codes: Entity,
        policy: Policy = POLICY,
        **more: object,
    ) -> MailId:
        """Accept, read and decide about one mail, a second after whatever was before."""
        await self.pass_time(seconds=1)
        mail_id = await self.take(mail_text(new_text, *codes, **more))
        await self.route(Waiting(mail_id, judged), policy=policy)
        return mail_id

    async def pass_time(self, **step: float) -> None:
        await self.ledger.clock.advance(timedelta(**step))

    async def rows(self, table: Any, **where: Any) -> Sequence[Any]:
        """Return rows of a table in the order of their ids, those with these values."""
        query = select(table).order_by(*table.primary_key.columns)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return await self.ledger.database.read(lambda c: c.execute(query).all())

    async def cases(self, kind: CaseKind | None = None) -> Sequence[Any]:
        return await self.rows(t.cases, **({"kind": kind.value} if kind else {}))

    async def history(self, case_id: str) -> list[str]:
        """Return the kinds of the events of a case in order."""
        return [row.kind for row in await self.rows(t.case_events, case_id=case_id)]

    async def acknowledged(self) -> list[list[str]]:
        """Return the case ids that each acknowledgement names, in the order of their making."""
        return [row.payload["case_ids"] for row in await self.rows(t.outbox, kind="acknowledgement")]

    async def told(self, case_id: str, event: str) -> list[str]:
        """Return who was sent a notice of this event, sorted by address."""
        notices = await self.rows(t.outbox, kind="notice", case_id=case_id)
        return sorted(row.recipient for row in notices if row.payload["event"] == event)

    async def problems(self) -> list[str]:
        """Balance the books and return what is wrong with them."""
        now = self.now
        return (await self.ledger.database.read(lambda c: balance(c, now, 60.0))).problems()

    async def claim(self, lease_s: float = 60.0) -> list[OutboxEntry]:
        now = self.now
        return await self.ledger.database.write(lambda c: claim_due(c, now, lease_s, 100))

    async def let_everything_leave(self) -> None:
        """Be a courier whose mail server takes everything."""
        for entry in await self.claim(lease_s=1):
            await self.ledger.database.write(functools.partial(self._departed, entry=entry))

    def _departed(self, c: Connection, entry: OutboxEntry) -> bool:
        return departed(c, entry, self.now, self.ledger.rng, "by the relay")

    def _staff(self, c: Connection, names: Sequence[str]) -> list[Person]:
        team = add_team(c, f"team of {names[0]}", (), self.now, self.ledger.rng)
        people: list[Person] = []
        for name in reversed(names):
            above = people[0].id if people else None
            person = add_person(c, name, f"{name}@shop.example", team.id, self.now, self.ledger.rng, (), above)
            people.insert(0, person)
        return people


def reference(row: Any) -> Entity:
    """Return the entity by which a mail quotes this case."""
    return Entity(kind=EntityKind.CASE_REFERENCE, value=row.reference)


def customer_code(value: str) -> Entity:
    return Entity(kind=EntityKind.CUSTOMER_CODE, value=value)
