"""What the ledger knows of a batch of mails before their fate is decided: loaded in bulk, kept up while deciding.

Everything here runs inside the routing transaction. The mails and their writers are locked first, so that two
routers cannot decide about one mail, or about one customer, at the same time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, or_, select

from itaca.cases.free_mail import free_mail_domains
from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.cases.people import Roster
from itaca.contracts.ids import CaseId, CaseReference, CustomerId, MailId, PersonId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import EntityKind, MailText
from itaca.storage.conditions import is_open_case
from itaca.storage.former_cases import former_cases
from itaca.storage.moments import from_micros
from itaca.storage.suppressions import binds
from itaca.storage.tables import (
    cancellations,
    case_mails,
    cases,
    customer_addresses,
    customer_codes,
    mail_texts,
    mails,
)

_MOST_CASES = 5_000
_LOCKING = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1::text[]) AS name"
"""One after the other in their order, by one round trip."""
_ACK_ID = re.compile(r"<?(?:ack|re)\.([0-9a-f]{8}-[0-9a-f-]{27})\.")
CODES = (EntityKind.CUSTOMER_CODE, EntityKind.CONTRACT_NUMBER)
"""Codes that name a customer; an order number may be anybody's."""


@dataclass
class Writers:
    """Customers, their cases and the links of one batch, by the keys that mails carry."""

    roster: Roster
    by_address: dict[str, CustomerId] = field(default_factory=dict)
    by_code: dict[tuple[str, str], CustomerId] = field(default_factory=dict)
    domains: dict[CustomerId, set[str]] = field(default_factory=lambda: defaultdict(set))
    cases: dict[CaseId, KnownCase] = field(default_factory=dict)
    by_reference: dict[str, CaseId] = field(default_factory=dict)
    by_mail: dict[MailId, list[CaseId]] = field(default_factory=lambda: defaultdict(list))
    by_message_id: dict[str, list[MailId]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[CaseId, CaseId] = field(default_factory=dict)
    joined_by: dict[CaseId, list[KnownCase]] = field(default_factory=lambda: defaultdict(list))

    def customer_of(self, text: MailText) -> CustomerId | None:
        """Return the customer who wrote: by address, or by a code from an address of the customer's own domain."""
        if text.sender in self.by_address:
            return self.by_address[text.sender]
        claimed = [self.by_code.get((e.kind.value, e.value)) for e in text.entities if e.kind in CODES]
        claimed += [case.customer_id for case in self._linked(text)]
        return next((c for c in claimed if c is not None and self._shares_domain(text.sender, c)), None)

    def standing_of(self, mail: MailFacts) -> Standing:
        """Return what a decision may know of this mail's writer, as of now in this transaction."""
        customer = self.customer_of(mail.text)
        own = [c for c in self.cases.values() if self.is_of(c, customer)] if customer else []
        # Ids sort by the time of opening; the cases were loaded in the order in which the batch refers to them.
        own.sort(key=lambda one: one.id)
        own += [replace(c, matter=former.matter) for c in own if c.is_open for former in self.joined_by.get(c.id, ())]
        linked = self._linked(mail.text)
        return Standing(
            customer,
            self.roster,
            open_cases=[c for c in own if c.is_open],
            cancellations=[c for c in own if c.kind is CaseKind.CANCELLATION and c.watch_until is not None],
            linked=linked,
            verified=frozenset(c.id for c in linked if self.is_of(c, customer)),
            meanwhile=self._meanwhile(linked),
        )

    def _meanwhile(self, linked: Sequence[KnownCase]) -> dict[CaseId, KnownCase]:
        """Return where the matters of closed cases are open now; a merged one leads to another customer's case."""
        closed = {c.id: (c.customer_id, c.kind, c.matter) for c in linked if not c.is_open}
        open_now = {(c.customer_id, c.kind, c.matter): c for c in self.cases.values() if closed and c.is_open}
        return {case_id: open_now[matter] for case_id, matter in closed.items() if matter in open_now}

    def is_of(self, case: KnownCase, customer: CustomerId | None) -> bool:
        """Say whether a case is this customer's, or one of the cases that were merged into it was."""
        former = self.joined_by.get(case.id, ())
        return customer is not None and customer in (case.customer_id, *(one.customer_id for one in former))

    def knows(self, address: str, customer: CustomerId) -> bool:
        """Say whether what this customer's cases hold may go to the address."""
        return self.by_address.get(address) == customer or self._shares_domain(address, customer)

    def _linked(self, text: MailText) -> list[KnownCase]:
        references = [e.value for e in text.entities if e.kind is EntityKind.CASE_REFERENCE]
        ids = [self.by_reference[r] for r in references if r in self.by_reference]
        for message_id in _thread(text):
            acknowledged = _ACK_ID.match(message_id)
            mail_ids = [MailId(acknowledged[1])] if acknowledged else self.by_message_id.get(message_id, [])
            ids += [case_id for mail_id in mail_ids for case_id in self.by_mail.get(mail_id, [])]
        return [self.cases[i] for i in dict.fromkeys(self.merged.get(i, i) for i in ids) if i in self.cases]

    def _shares_domain(self, sender: str, customer: CustomerId) -> bool:
        domain = sender.rpartition("@")[2]
        return bool(domain) and domain not in free_mail_domains() and domain in self.domains[customer]


@dataclass(frozen=True)
class Arrival:
    """An unsettled mail: when it came (microseconds), for whom, and what was read of it, None if it was not."""

    received_at: int
    delivered_to: tuple[str, ...]
    text: MailText | None


def lock_unsettled(conn: Connection, mail_ids: Sequence[MailId]) -> dict[MailId, Arrival]:
    """Lock those of the mails that are not settled, and return them."""
    rows = conn.execute(_unsettled(), {"ids": list(mail_ids)})
    return {MailId(row.id): _arrival(row) for row in rows}


def _arrival(row: Row[Any]) -> Arrival:
    text = None if row.text is None else MailText.model_validate(row.text)
    return Arrival(row.received_at, tuple(row.envelope_to), text)


@cache
def _unsettled() -> Select[Any]:
    """Return the first statement of every routing transaction; built once, as building takes longer than running."""
    return (
        select(mails.c.id, mails.c.received_at, mails.c.envelope_to, mail_texts.c.text)
        .outerjoin(mail_texts, mail_texts.c.mail_id == mails.c.id)
        .where(mails.c.id.in_(bindparam("ids", expanding=True)), mails.c.settled_at.is_(None))
        .order_by(mails.c.id)
        .with_for_update(of=mails)
    )


def lock_writers(conn: Connection, texts: Iterable[MailText]) -> None:
    """Make other routers wait that would decide about the same writers (PostgreSQL; SQLite has one writer)."""
    if conn.dialect.name != "postgresql":
        return
    keys = {t.sender for t in texts} | {e.value for t in texts for e in t.entities}
    if names := sorted(keys - {""}):
        conn.exec_driver_sql(_LOCKING, (names,)).all()


def load_writers(conn: Connection, texts: Sequence[MailText], roster: Roster) -> Writers:
    """Load everything that decisions about these mails may need, by a fixed number of queries.

    The cases are locked: nobody breaks their promises or closes them between the decision and its commit.
    """
    writers = Writers(roster)
    _load_links(conn, texts, writers)
    codes = {e.value for t in texts for e in t.entities if e.kind in CODES}
    for row in conn.execute(_codes(), {"codes": list(codes)}) if codes else ():
        writers.by_code[(row.kind, row.value)] = CustomerId(row.customer_id)
    _load_customers(conn, texts, writers)
    customers = set(writers.by_address.values()) | _claimed(writers)
    if customers:
        _load_cases(conn, writers, _cases_of(), {"customers": list(customers)})
    _follow_mergers(conn, writers)
    return writers


def _follow_mergers(conn: Connection, writers: Writers) -> None:
    """Find what was merged in the case where it went on: whoever quotes the old reference joins that one."""
    for row in former_cases(conn, writers.cases.values()):
        former = known_case(row)
        writers.merged[former.id] = CaseId(row.into_id)
        writers.joined_by[CaseId(row.into_id)].append(former)
    missing = [case_id for case_id in writers.merged.values() if case_id not in writers.cases]
    if missing:
        _load_cases(conn, writers, _cases_named(), {"ids": missing, "references": []})
        theirs = {case.customer_id for case in writers.cases.values() if case.id in missing}
        _load_cases(conn, writers, _cases_of(), {"customers": list(theirs)})


def _load_customers(conn: Connection, texts: Sequence[MailText], writers: Writers) -> None:
    senders = {t.sender for t in texts if t.sender}
    asked = {"senders": list(senders), "claimed": list(_claimed(writers))}
    for row in conn.execute(_addresses(), asked) if any(asked.values()) else ():
        customer = CustomerId(row.customer_id)
        if row.address in senders:
            writers.by_address[row.address] = customer
        writers.domains[customer].add(row.address.rpartition("@")[2])


def _claimed(writers: Writers) -> set[CustomerId]:
    """Return the customers whom codes and references name: a writer of their domain may turn out to be one."""
    return set(writers.by_code.values()) | {case.customer_id for case in writers.cases.values()}


def _load_links(conn: Connection, texts: Sequence[MailText], writers: Writers) -> None:
    references = {e.value for t in texts for e in t.entities if e.kind is EntityKind.CASE_REFERENCE}
    threads = {i for t in texts for i in _thread(t)}
    acknowledged = {MailId(m[1]) for i in threads if (m := _ACK_ID.match(i))}
    if threads:
        for row in conn.execute(_known_messages(), {"threads": list(threads)}):
            writers.by_message_id[row.message_id].append(MailId(row.mail_id))
    mail_ids = acknowledged | {i for ids in writers.by_message_id.values() for i in ids}
    if mail_ids:
        for row in conn.execute(_links(), {"ids": list(mail_ids)}):
            writers.by_mail[MailId(row.mail_id)].append(CaseId(row.case_id))
    case_ids = {c for ids in writers.by_mail.values() for c in ids}
    if case_ids or references:
        _load_cases(conn, writers, _cases_named(), {"ids": list(case_ids), "references": list(references)})


def _load_cases(conn: Connection, writers: Writers, query: Select[Any], asked: dict[str, Any]) -> None:
    for row in reversed(conn.execute(query, asked).all()):
        case = known_case(row)
        writers.cases[case.id] = case
        writers.by_reference[case.reference] = case.id


@cache
def _addresses() -> Select[Any]:
    by_address = customer_addresses.c.address.in_(_many("senders"))
    return select(customer_addresses).where(or_(by_address, customer_addresses.c.customer_id.in_(_many("claimed"))))


@cache
def _codes() -> Select[Any]:
    """The kinds stand first in the key: without them this would be a walk through all codes."""
    kinds = customer_codes.c.kind.in_([kind.value for kind in CODES])
    return select(customer_codes).where(kinds, customer_codes.c.value.in_(_many("codes")))


@cache
def _known_messages() -> Select[Any]:
    known = select(mail_texts.c.message_id, mail_texts.c.mail_id)
    return known.where(mail_texts.c.message_id.in_(_many("threads"))).limit(_MOST_CASES)


@cache
def _links() -> Select[Any]:
    return select(case_mails.c.mail_id, case_mails.c.case_id).where(case_mails.c.mail_id.in_(_many("ids")))


@cache
def _cases_of() -> Select[Any]:
    """Orders and reviews are one for each mail: nothing joins them but a reply, which finds them by its thread."""
    matters = cases.c.kind.in_([CaseKind.COMPLAINT.value, CaseKind.CANCELLATION.value])
    is_in_force = cancellations.c.case_id.is_not(None)
    return _cases().where(cases.c.customer_id.in_(_many("customers")), matters, or_(is_open_case(), is_in_force))


@cache
def _cases_named() -> Select[Any]:
    return _cases().where(or_(cases.c.id.in_(_many("ids")), cases.c.reference.in_(_many("references"))))


def _cases() -> Select[Any]:
    return (
        select(cases, cancellations.c.effective_at, cancellations.c.watch_until)
        .outerjoin(cancellations, (cancellations.c.case_id == cases.c.id) & binds())
        .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
        .limit(_MOST_CASES)
        .with_for_update(of=cases)
    )


def _many(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


def known_case(row: Row[tuple[object, ...]]) -> KnownCase:
    """Return the case in a row of ``cases``; with the dates of its cancellation, if they are there."""
    dates = row._mapping
    return KnownCase(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        matter=row.matter,
        customer_id=CustomerId(row.customer_id),
        owner_id=PersonId(row.owner_id) if row.owner_id else None,
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        is_open=row.status == "open",
        effective_at=from_micros(dates["effective_at"]) if dates.get("effective_at") is not None else None,
        watch_until=from_micros(dates["watch_until"]) if dates.get("watch_until") is not None else None,
    )


def _thread(text: MailText) -> list[str]:
    """Return the message ids this mail answers or reports on, the nearest first."""
    ids = [text.refers_to, text.in_reply_to, *reversed(text.references)]
    return [i for i in dict.fromkeys(ids) if i][:20]
