"""The rows of one transaction, collected first and then written table by table in few statements."""

import random
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, Update, bindparam, case, select, update

from itaca.cases.actions import NewPromise
from itaca.contracts.ids import CaseId, MailId, uuid7
from itaca.contracts.intents import CancellationEnd, CancellationState, MailOutcome, OutboxKind
from itaca.errors import TransientError
from itaca.storage import tables
from itaca.storage.announcements import Happening, announce
from itaca.storage.conditions import is_open_promise
from itaca.storage.customer_words import note_words
from itaca.storage.moments import NEVER, to_micros
from itaca.storage.upsert import insert_into

_ORDER = (
    tables.customers,
    tables.customer_addresses,
    tables.customer_codes,
    tables.readings,
    tables.cases,
    tables.cancellations,
    tables.case_mails,
    tables.evidence,
    tables.promises,
    tables.case_events,
    tables.outbox,
    tables.acknowledgements,
    tables.interactions,
    tables.audit_samples,
)


class Entries:
    """What a transaction adds and raises; nothing touches the database before ``write``.

    Args:
        actor: who did it, as the history shows: a stage's name or a person's id.
        hold_s: seconds for which what leaves is held back, so that it can be taken back.
    """

    def __init__(self, now: datetime, rng: random.Random, actor: str, hold_s: float = 0.0) -> None:
        self.now, self.at, self.actor = now, to_micros(now), actor
        self.outcomes: dict[MailId, MailOutcome] = {}
        self._rng, self._made, self._hold = rng, 0, round(hold_s * 1e6)
        self._rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _ORDER}
        self._raised: dict[CaseId, dict[str, Any]] = {}
        self._owed: dict[CaseId, NewPromise] = {}
        self._violated: list[CaseId] = []
        self._escalated: list[CaseId] = []

    def following(self) -> "Entries":
        """Return what follows in the same transaction, once this is written; its ids sort behind those made here."""
        next_ones = Entries(self.now, self._rng, self.actor)
        next_ones._made = self._made
        return next_ones

    def new_id(self) -> str:
        """Return an id; ids of one transaction sort in the order of their making."""
        self._made += 1
        return uuid7(self.now, self._rng, self._made)

    def row(self, table: Table, **values: Any) -> None:
        """Add one row; all rows of a table must name the same columns."""
        self._rows[table].append(values)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return self._rows[table]

    def event(self, case_id: CaseId, kind: str, mail_id: MailId | None, detail: dict[str, Any]) -> None:
        """Add a line to a case's history."""
        self.row(
            tables.case_events,
            id=self.new_id(),
            case_id=case_id,
            at=self.at,
            kind=kind,
            actor=self.actor,
            mail_id=mail_id,
            detail=detail,
        )

    def promise(self, case_id: CaseId, promise: NewPromise) -> None:
        """Open a promise."""
        self.row(
            tables.promises,
            id=self.new_id(),
            case_id=case_id,
            kind=promise.kind.value,
            made_at=self.at,
            due_at=to_micros(promise.due_at),
            state="open",
        )

    def leave(
        self,
        kind: OutboxKind,
        key: str,
        case_id: CaseId | None,
        mail_id: MailId | None,
        recipient: str = "",
        payload: dict[str, Any] | None = None,
    ) -> str:
        """Add what must leave the system; ``key`` is unique for ever, so that nothing leaves twice."""
        outbox_id = self.new_id()
        self.row(
            tables.outbox,
            id=outbox_id,
            kind=kind.value,
            dedupe_key=key,
            case_id=case_id,
            mail_id=mail_id,
            recipient=recipient,
            payload=payload or {},
            created_at=self.at,
            next_at=self.at + self._hold,
        )
        return outbox_id

    def raise_case(self, case_id: CaseId, severity: int, level: int, contacts: int, owed: NewPromise) -> None:
        """Give a case its new standing and make it open; ``owed`` is promised if no promise is open."""
        self._raised[case_id] = {"b_id": case_id, "severity": severity, "level": level, "contacts": contacts}
        self._owed.setdefault(case_id, owed)

    def violate(self, case_id: CaseId) -> None:
        """Count one more violation of a cancellation; one whose watch was over is watched until this is answered."""
        self._violated.append(case_id)

    def escalate(self, case_id: CaseId) -> None:
        """Let others be told that people higher in the chain know of a case, or that it left its owner."""
        self._escalated.append(case_id)

    def settle(self, mail_id: MailId, outcome: MailOutcome) -> None:
        self.outcomes[mail_id] = outcome

    def write(self, conn: Connection) -> None:
        """Write everything in the order in which foreign keys want it; the mails are settled last.

        Raises:
            TransientError: a mail was settled by another router meanwhile; the transaction must not commit.
        """
        self._promise_what_is_owed(conn)
        self._date_new_cases()
        for table in _ORDER:
            if self._rows[table]:
                conn.execute(insert_into(table), self._rows[table])
        note_words(conn, self._rows[tables.customers], self._rows[tables.customer_addresses])
        if self._raised:
            conn.execute(_raising(), list(self._raised.values()))
        for case_id in self._violated:
            conn.execute(_violating(), {"which": case_id})
        announce(conn, self._happenings(), self.now, self.new_id, self._hold)
        for mail_id, outcome in self.outcomes.items():
            self._settle(conn, mail_id, outcome)

    def _happenings(self) -> list[Happening]:
        written = [
            Happening(row["id"], row["case_id"], row["kind"], row["detail"]) for row in self._rows[tables.case_events]
        ]
        return written + [Happening(self.new_id(), case_id, "escalated", {}) for case_id in self._escalated]

    def _promise_what_is_owed(self, conn: Connection) -> None:
        new = {row["case_id"] for row in self._rows[tables.promises]}
        asked = [case_id for case_id in self._owed if case_id not in new]
        if not asked:
            return
        promised = set(conn.scalars(_promised(), {"ids": asked}))
        for case_id in asked:
            if case_id not in promised:
                self.promise(case_id, self._owed[case_id])

    def _date_new_cases(self) -> None:
        """Write a new case with its date, which the database would else add by changing the row once more."""
        dues = {row["case_id"]: row["due_at"] for row in reversed(self._rows[tables.promises])}
        for row in self._rows[tables.cases]:
            row["breaks_at"] = dues.get(row["id"], NEVER)

    def _settle(self, conn: Connection, mail_id: MailId, outcome: MailOutcome) -> None:
        values = {"settled_at": self.at, "outcome": outcome.value, "settled_by": self.actor}
        settled = conn.execute(_settling(), {"which": mail_id, **values})
        if settled.rowcount != 1:
            raise TransientError("the mail was settled by somebody else meanwhile")


@cache
def _raising() -> Update:
    """Statements of the hot path are built once: building one takes longer than running it."""
    reopened: dict[str, Any] = {"status": "open", "outcome": None, "closed_at": None}
    raised: dict[str, Any] = {name: bindparam(name) for name in ("severity", "level", "contacts")}
    return update(tables.cases).where(tables.cases.c.id == bindparam("b_id")).values(reopened | raised)


@cache
def _promised() -> Select[Any]:
    promises = tables.promises
    of_these = promises.c.case_id.in_(bindparam("ids", expanding=True))
    return select(promises.c.case_id).where(of_these, is_open_promise())


@cache
def _violating() -> Update:
    table = tables.cancellations
    counted = update(table).where(table.c.case_id == bindparam("which"))
    is_over = table.c.ended_as == CancellationEnd.WATCHED.value
    return counted.values(
        violations=table.c.violations + 1,
        state=case((is_over, CancellationState.WATCHED.value), else_=table.c.state),
        ended_as=case((is_over, None), else_=table.c.ended_as),
    )


@cache
def _settling() -> Update:
    return update(tables.mails).where(tables.mails.c.id == bindparam("which"), tables.mails.c.settled_at.is_(None))
