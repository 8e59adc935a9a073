"""Decisions become rows: what each action means in the ledger."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from itaca.cases.actions import Action, AppendToCase, Decision, LinkToCase, OpenCase
from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.contracts.ids import CaseId, CustomerId, PersonId, new_reference
from itaca.contracts.intents import CancellationState, CaseKind, MailOutcome, OutboxKind
from itaca.storage import tables
from itaca.storage.entries import Entries
from itaca.storage.moments import to_micros
from itaca.storage.standing import CODES, Writers

MOST_ANSWERS = 20
"""Acknowledgements that one customer gets within 24 hours; what they write is kept and owned all the same."""


class Effects:
    """Applies decisions in order; each sees the effects of those before it through ``writers``."""

    def __init__(self, conn: Connection, entries: Entries, writers: Writers, today: date, rng: random.Random) -> None:
        self.opened: list[CaseKind] = []
        self._conn, self._entries, self._writers = conn, entries, writers
        self._today, self._rng = today, rng

    def apply(self, mail: MailFacts, standing: Standing, decision: Decision) -> None:
        """Collect everything that follows from one decision; the mail is settled with it."""
        self._entries.settle(mail.mail_id, decision.outcome)
        self._keep_reading(mail)
        if decision.outcome is MailOutcome.FILED:
            for action in decision.actions:
                self._act(mail, CustomerId(""), action)
            return
        customer, matters = self.follow(mail, standing, decision.actions)
        if decision.acknowledges and not self._is_flooded(customer):
            self._acknowledge(mail, [i for i in matters if self._may_tell(mail, i, decision)])
        self._entries.row(
            tables.interactions,
            id=self._entries.new_id(),
            customer_id=customer,
            case_id=matters[0] if matters else None,
            mail_id=mail.mail_id,
            outbox_id=None,
            direction="in",
            channel="mail",
            at=to_micros(mail.received_at),
            outcome=decision.outcome.value,
        )

    def follow(
        self, mail: MailFacts, standing: Standing, actions: Sequence[Action]
    ) -> tuple[CustomerId, list[CaseId]]:
        """Collect what these actions do, and return the customer and the cases; the mail's outcome stays as it is."""
        customer = standing.customer_id or self._new_customer(mail)
        self._adopt(mail, customer)
        touched = [self._act(mail, customer, action) for action in actions]
        return customer, list(dict.fromkeys(case_id for case_id in touched if case_id is not None))

    def _act(self, mail: MailFacts, customer: CustomerId, action: Action) -> CaseId | None:
        match action:
            case OpenCase():
                return self._open(mail, customer, action)
            case AppendToCase():
                return self._append(mail, action)
            case LinkToCase():
                self._entries.row(tables.case_mails, case_id=action.case_id, mail_id=mail.mail_id, role=action.role)
                self._entries.event(action.case_id, action.role, mail.mail_id, {"says": action.says})
                return None

    def _open(self, mail: MailFacts, customer: CustomerId, action: OpenCase) -> CaseId:
        case_id = CaseId(self._entries.new_id())
        case = KnownCase(
            case_id,
            new_reference(self._rng),
            action.kind,
            action.matter,
            customer,
            action.owner_id,
            action.severity,
            action.level,
            1,
            True,
            action.effective_at,
            action.watch_until,
        )
        self._entries.row(
            tables.cases,
            id=case_id,
            reference=case.reference,
            kind=case.kind.value,
            matter=case.matter,
            customer_id=customer,
            opened_by=mail.mail_id,
            owner_id=case.owner_id,
            language=mail.text.language,
            severity=case.severity,
            level=case.level,
            contacts=1,
            status="open",
            opened_at=self._entries.at,
        )
        self._entries.promise(case_id, action.promise)
        self._hand_off(mail, action, case_id)
        self._remember(case, mail)
        self._join(mail, case_id, "opened", "opened", action.reasons)
        self._notify(mail, case_id, action.notify, "opened")
        if action.owner_id is not None:
            self._writers.roster = self._writers.roster.with_one_more(action.owner_id)
        self.opened.append(action.kind)
        return case_id

    def _hand_off(self, mail: MailFacts, action: OpenCase, case_id: CaseId) -> None:
        """Orders go to the order system, cancellations to whoever executes them."""
        if action.kind is CaseKind.ORDER:
            self._entries.leave(OutboxKind.ORDER_HANDOFF, f"order:{case_id}", case_id, mail.mail_id)
        if action.effective_at is not None and action.watch_until is not None:
            self._entries.row(
                tables.cancellations,
                case_id=case_id,
                state=CancellationState.REQUESTED.value,
                requested_at=to_micros(action.requested_at or self._entries.now),
                effective_at=to_micros(action.effective_at),
                watch_until=to_micros(action.watch_until),
            )
            self._entries.leave(OutboxKind.CANCELLATION_HANDOFF, f"cancellation:{case_id}", case_id, mail.mail_id)

    def _append(self, mail: MailFacts, action: AppendToCase) -> CaseId:
        case = self._writers.cases[action.case_id]
        contacts = case.contacts + (1 if action.counts else 0)
        self._entries.raise_case(case.id, action.severity, action.level, contacts, action.promise)
        if action.is_violation:
            self._entries.violate(case.id)
        if action.level > case.level:
            self._entries.escalate(case.id)
        now_open = replace(case, severity=action.severity, level=action.level, contacts=contacts, is_open=True)
        self._remember(now_open, mail)
        event = "violated" if action.is_violation else ("reopened" if action.reopens else "appended")
        self._join(mail, case.id, "appended", event, action.reasons)
        self._notify(mail, case.id, action.notify, event)
        return case.id

    def _join(self, mail: MailFacts, case_id: CaseId, role: str, event: str, reasons: tuple[str, ...]) -> None:
        """Link the mail to the case, write the history, and keep its files as evidence by their hashes."""
        self._entries.row(tables.case_mails, case_id=case_id, mail_id=mail.mail_id, role=role)
        self._entries.event(case_id, event, mail.mail_id, {"reasons": list(reasons)})
        for position, file in enumerate(mail.text.attachments):
            self._entries.row(
                tables.evidence,
                case_id=case_id,
                mail_id=mail.mail_id,
                position=position,
                name=file.name,
                content_type=file.content_type,
                size_bytes=file.size_bytes,
                sha256=file.sha256,
            )

    def _remember(self, case: KnownCase, mail: MailFacts) -> None:
        writers = self._writers
        writers.cases[case.id] = case
        writers.by_reference[case.reference] = case.id
        writers.by_mail[mail.mail_id].append(case.id)
        if mail.text.message_id:
            writers.by_message_id[mail.text.message_id].append(mail.mail_id)

    def _new_customer(self, mail: MailFacts) -> CustomerId:
        customer = CustomerId(self._entries.new_id())
        self._entries.row(tables.customers, id=customer, name=mail.text.sender_name, since=self._entries.at)
        return customer

    def _adopt(self, mail: MailFacts, customer: CustomerId) -> None:
        """Keep the address and the codes of this mail as the customer's, unless they are somebody else's."""
        sender, writers = mail.text.sender, self._writers
        if sender and sender not in writers.by_address:
            writers.by_address[sender] = customer
            writers.domains[customer].add(sender.rpartition("@")[2])
            self._entries.row(tables.customer_addresses, address=sender, customer_id=customer)
        for entity in mail.text.entities:
            key = (entity.kind.value, entity.value)
            if entity.kind in CODES and key not in writers.by_code:
                writers.by_code[key] = customer
                self._entries.row(tables.customer_codes, kind=key[0], value=key[1], customer_id=customer)

    def _is_flooded(self, customer: CustomerId) -> bool:
        """Say whether this writer was answered too often within a day: perhaps a machine that answers each answer."""
        if any(row["id"] == customer for row in self._entries.rows(tables.customers)):
            return False
        since = to_micros(self._entries.now - timedelta(days=1))
        answered = self._conn.execute(_answers_since(), {"customer_id": customer, "since": since}).scalar_one()
        return bool(answered >= MOST_ANSWERS)

    def _may_tell(self, mail: MailFacts, case_id: CaseId, decision: Decision) -> bool:
        """A case that this mail opened holds nothing else; an older one is told to the customer's addresses only."""
        is_older = any(isinstance(a, AppendToCase) and a.case_id == case_id for a in decision.actions)
        whose = self._writers.cases[case_id].customer_id
        return not is_older or self._writers.knows(mail.text.reply_to_address, whose)

    def _acknowledge(self, mail: MailFacts, matters: list[CaseId]) -> None:
        """Answer once for all matters of this mail that were not acknowledged today (RFC 3834; DESIGN.md)."""
        table = tables.acknowledgements
        done = {row["case_id"] for row in self._entries.rows(table)}
        opened = {row["id"] for row in self._entries.rows(tables.cases)}
        if older := [case_id for case_id in matters if case_id not in opened]:
            done |= set(self._conn.scalars(_acknowledged(), {"ids": older, "day": self._today}))
        due = [case_id for case_id in matters if case_id not in done]
        if not due:
            return
        payload = {"case_ids": list(due)}
        outbox_id = self._entries.leave(
            OutboxKind.ACKNOWLEDGEMENT,
            f"ack:{mail.mail_id}",
            due[0],
            mail.mail_id,
            mail.text.reply_to_address,
            payload,
        )
        for case_id in due:
            self._entries.row(table, case_id=case_id, day=self._today, outbox_id=outbox_id)

    def _notify(self, mail: MailFacts, case_id: CaseId, people: tuple[PersonId, ...], event: str) -> None:
        for person_id in people:
            person = self._writers.roster.people[person_id]
            key = f"notice:{case_id}:{event}:{mail.mail_id}:{person_id}"
            self._entries.leave(
                OutboxKind.NOTICE, key, case_id, mail.mail_id, person.email, {"event": event, "person_id": person_id}
            )

    def _keep_reading(self, mail: MailFacts) -> None:
        if mail.judgement is None:
            return
        self._entries.row(
            tables.readings,
            mail_id=mail.mail_id,
            model=mail.judgement.model,
            read_at=self._entries.at,
            judgement=mail.judgement.model_dump(mode="json"),
        )


@cache
def _answers_since() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    table = tables.interactions
    of_customer = table.c.customer_id == bindparam("customer_id")
    return select(func.count()).where(of_customer, table.c.at > bindparam("since"), table.c.direction == "out")


@cache
def _acknowledged() -> Select[Any]:
    table = tables.acknowledgements
    of_these = table.c.case_id.in_(bindparam("ids", expanding=True))
    return select(table.c.case_id).where(of_these, table.c.day == bindparam("day"))
