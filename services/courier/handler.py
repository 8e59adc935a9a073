"""Deliver one entry of the outbox by its door, and note in the ledger what became of it.

In:     entries that are due.
Out:    mail by the relay or as files; events to the exchange ``outcomes`` and to webhooks; each entry ended or
        put off.
Fails:  TransientError -> again later, with doubling pauses, until a day has passed. PermanentError -> failed, and
        the case's history says so. A hand-off is never given up. An acknowledgement whose answer was lost ->
        unknown, never sent again: a second one is worse than none, the case exists. Anything else is sent again;
        its receiver knows it by its id.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

import structlog

from itaca.broker.port import Broker
from itaca.cases.interactions import RecordedFile
from itaca.cases.people import Person
from itaca.clock import Clock
from itaca.contracts.codec import encode
from itaca.contracts.events import OrderHandoff
from itaca.contracts.ids import CaseId, MailId, OutboxId, PersonId
from itaca.contracts.intents import OutboxKind, OutboxState
from itaca.errors import ItacaError, PermanentError, TransientError
from itaca.mail.model import EntityKind
from itaca.observability.metrics import Metrics
from itaca.storage.answer_files import load_files
from itaca.storage.database import Database
from itaca.storage.departures import departed, failed
from itaca.storage.letters import Context, load_context, load_person
from itaca.storage.outbox import OutboxEntry, begin_sending, retry_later
from itaca.storage.webhooks import WebhookEvent
from services.courier.doors import AnswerLostError, Door
from services.courier.messages import ascii_address, return_path
from services.courier.receipts import Receipts
from services.courier.settings import CourierSettings
from services.courier.webhooks import HeldError, WebhookDoor

log = structlog.get_logger()
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 3600.0
_ROUTING_KEYS = {
    OutboxKind.ORDER_HANDOFF: "order.received",
    OutboxKind.CANCELLATION_HANDOFF: "cancellation.requested",
}
_MOST_TEXT = 14_000


class EntryLostError(ItacaError):
    """The entry is in somebody else's hands by now: whatever is done with it, they do it."""


class Writing(Protocol):
    """What the courier asks of ``services.courier.messages.Letters``."""

    def acknowledgement(self, entry: OutboxId, recipient: str, context: Context, now: datetime) -> EmailMessage: ...

    def notice(
        self, entry: OutboxId, person: Person, event: str, context: Context, now: datetime
    ) -> EmailMessage: ...

    def daily_list(
        self, entry: OutboxId, person: Person, count: int, context: Context, now: datetime
    ) -> EmailMessage: ...

    def reply(
        self,
        entry: OutboxId,
        recipient: str,
        subject: str,
        text: str,
        context: Context,
        now: datetime,
        files: Sequence[RecordedFile] = (),
    ) -> EmailMessage: ...

    def handoff(
        self, entry: OutboxId, mailbox: str, event: bytes, context: Context, now: datetime
    ) -> EmailMessage: ...


class Courier:
    """Delivers entries; safe in any number, because each entry is claimed with a lease."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        door: Door,
        letters: Writing,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
        settings: CourierSettings,
        has_exchange: bool,
        receipts: Receipts,
        webhooks: WebhookDoor,
    ) -> None:
        self._receipts, self._webhooks = receipts, webhooks
        self._database, self._broker, self._door, self._letters = database, broker, door, letters
        self._clock, self._rng, self._metrics, self._settings = clock, rng, metrics, settings
        self._has_exchange = has_exchange

    async def deliver(self, entry: OutboxEntry) -> None:
        """Deliver one claimed entry and note what became of it.

        Raises:
            TransientError: the ledger is away; the entry's lease runs out and somebody takes it over.
        """
        try:
            how = await self._send(entry)
        except EntryLostError:
            log.info("courier.entry_lost", outbox_id=entry.id)
        except AnswerLostError as error:
            if entry.kind is OutboxKind.ACKNOWLEDGEMENT:
                await self._end(entry, OutboxState.UNKNOWN, str(error))
            else:
                await self._later(entry, str(error))
        except TransientError as error:
            await self._later(entry, str(error), is_held=isinstance(error, HeldError))
        except PermanentError as error:
            if _must_leave(entry):
                await self._later(entry, str(error))
            else:
                await self._end(entry, OutboxState.FAILED, str(error))
        else:
            now = self._clock.now()
            await self._database.write(lambda conn: departed(conn, entry, now, self._rng, how))
            self._metrics.sent.labels(entry.kind.value, OutboxState.SENT.value).inc()
            log.info("courier.entry_sent", outbox_id=entry.id, kind=entry.kind.value)

    async def _send(self, entry: OutboxEntry) -> str:
        now = self._clock.now()
        match entry.kind:
            case OutboxKind.ACKNOWLEDGEMENT:
                context = await self._context(entry, [CaseId(i) for i in entry.payload["case_ids"]])
                context = await self._receipts.named(context, now)
                message = self._letters.acknowledgement(entry.id, entry.recipient, context, now)
                return await self._by_mail(entry, message, entry.recipient)
            case OutboxKind.NOTICE:
                context, person = await self._to_person(entry, [_case(entry)])
                message = self._letters.notice(entry.id, person, entry.payload["event"], context, now)
                return await self._by_mail(entry, message, entry.recipient)
            case OutboxKind.DAILY_LIST:
                context, person = await self._to_person(entry, [CaseId(i) for i in entry.payload["case_ids"]])
                message = self._letters.daily_list(entry.id, person, int(entry.payload["count"]), context, now)
                return await self._by_mail(entry, message, entry.recipient)
            case OutboxKind.REPLY:
                context = await self._context(entry, [_case(entry)])
                subject, text = str(entry.payload["subject"]), str(entry.payload["text"])
                files = await self._database.read(lambda conn: load_files(conn, entry.id))
                message = self._letters.reply(entry.id, entry.recipient, subject, text, context, now, files)
                return await self._by_mail(entry, message, entry.recipient, return_path(message))
            case OutboxKind.WEBHOOK:
                return await self._webhooks.deliver(entry)
            case OutboxKind.ORDER_HANDOFF:
                return await self._hand_off(entry, self._settings.orders_to, "orders", now)
            case OutboxKind.CANCELLATION_HANDOFF:
                return await self._hand_off(entry, self._settings.cancellations_to, "cancellations", now)

    async def _hand_off(self, entry: OutboxEntry, mailbox: str, default_box: str, now: datetime) -> str:
        """Give a matter to the system that executes it: by the exchange, webhooks, a mailbox, else a file."""
        context = await self._context(entry, [_case(entry)])
        told = _event(context)
        event = encode(told)
        key = WebhookEvent(_ROUTING_KEYS[entry.kind])
        doors = [*await self._webhooks.hand_off(entry, key, told.model_dump(mode="json"))]
        if self._has_exchange:
            await self._broker.publish_outcome(_ROUTING_KEYS[entry.kind], event, entry.id)
            doors.append("confirmed by the exchange outcomes")
        if mailbox or not doors:
            recipient = mailbox or default_box
            message = self._letters.handoff(entry.id, recipient, event, context, now)
            doors.append(await self._by_mail(entry, message, recipient))
        return ", ".join(doors)

    async def _by_mail(self, entry: OutboxEntry, message: EmailMessage, recipient: str, sender: str = "") -> str:
        """Hand one letter to the door; only a person's answer has a return path, so that its bounce comes back."""
        is_once = entry.kind is OutboxKind.ACKNOWLEDGEMENT and not self._door.is_idempotent
        # From here on a crash leaves the entry as "sending": it may have left, and is not sent again.
        if is_once and not await self._database.write(lambda conn: begin_sending(conn, entry.id)):
            raise EntryLostError("the lease ran out and somebody else holds or has ended the entry")
        await self._door.deliver(entry.id, message, sender, ascii_address(recipient))
        return "taken by the mail server" if not self._door.is_idempotent else "written to the outbox folder"

    async def _context(self, entry: OutboxEntry, case_ids: list[CaseId]) -> Context:
        mail_id = MailId(entry.mail_id or "")
        return await self._database.read(lambda conn: load_context(conn, mail_id, case_ids))

    async def _to_person(self, entry: OutboxEntry, case_ids: list[CaseId]) -> tuple[Context, Person]:
        mail_id, person_id = MailId(entry.mail_id or ""), PersonId(entry.payload["person_id"])
        return await self._database.read(
            lambda conn: (load_context(conn, mail_id, case_ids), load_person(conn, person_id))
        )

    async def _later(self, entry: OutboxEntry, why: str, *, is_held: bool = False) -> None:
        now = self._clock.now()
        is_old = now - entry.created_at > timedelta(seconds=self._settings.give_up_after_s)
        if is_old and not is_held and not _must_leave(entry):
            await self._end(entry, OutboxState.FAILED, f"given up: {why}")
            return
        pause_s = min(FIRST_PAUSE_S * 2 ** min(entry.attempts - 1, 20), LONGEST_PAUSE_S)
        next_at = now + timedelta(seconds=pause_s * self._rng.uniform(0.8, 1.2))
        await self._database.write(lambda conn: retry_later(conn, entry.id, next_at, why))
        log.warning("courier.entry_put_off", outbox_id=entry.id, kind=entry.kind.value, why=why, pause_s=pause_s)

    async def _end(self, entry: OutboxEntry, state: OutboxState, why: str) -> None:
        now = self._clock.now()
        await self._database.write(lambda conn: failed(conn, entry, state, now, self._rng, why))
        self._metrics.sent.labels(entry.kind.value, state.value).inc()
        log.warning("courier.entry_ended", outbox_id=entry.id, kind=entry.kind.value, state=state.value, why=why)


def _must_leave(entry: OutboxEntry) -> bool:
    """A hand-off is never given up: its case stays open, its promise breaks and a person owns it meanwhile."""
    return entry.kind in _ROUTING_KEYS


def _event(context: Context) -> OrderHandoff:
    matter, text = context.matters[0], context.text
    return OrderHandoff(
        reference=matter.reference,
        mail_id=context.mail.id,
        received_at=context.mail.received_at,
        customer=matter.customer,
        order_numbers=tuple(e.value for e in text.entities if e.kind is EntityKind.ORDER_NUMBER),
        subject=text.subject[:500],
        text=text.new_text[:_MOST_TEXT],
    )


def _case(entry: OutboxEntry) -> CaseId:
    return CaseId(entry.case_id or "")
