"""What an auditor looks for beneath the counts: promises of the ledger that no single row shows broken."""

from dataclasses import dataclass, fields

from sqlalchemy import Column, Connection, Select, Table, and_, func, not_, or_, select

from itaca.contracts.intents import OutboxKind
from itaca.storage.conditions import is_open_case
from itaca.storage.tables import (
    book_pages,
    case_events,
    case_mails,
    cases,
    erased_mails,
    mail_texts,
    mails,
    outbox,
    people,
    promises,
    raw_mails,
)

_ALONE = (OutboxKind.NOTICE.value, OutboxKind.WEBHOOK.value)
"""What may leave for the sake of no case and no mail: a word to a colleague, the test of a subscription."""


@dataclass(frozen=True)
class Findings:
    """How often each thing was found; every number is 0 in books that are in order."""

    mails_without_bytes: int
    erased_mails_with_words: int
    erased_mails_under_way: int
    bytes_without_mail: int
    settled_as_case_without_case: int
    linked_but_not_settled: int
    cases_without_their_mail: int
    cases_without_history: int
    cases_of_people_who_left: int
    closed_cases_with_open_promise: int
    entries_for_no_case_or_mail: int
    closed_pages_that_changed: int

    def problems(self) -> list[str]:
        """Return a sentence for each kind of finding."""
        found = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return [f"{count} {name.replace('_', ' ')}" for name, count in found if count]


def inspect(connection: Connection) -> Findings:
    """Look at every mail and case once; reads the whole ledger."""
    queries = {**_about_mails(), **_about_cases()}
    counts = {
        name: connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        for name, query in queries.items()
    }
    return Findings(**counts, closed_pages_that_changed=_changed_pages(connection))


def _about_mails() -> dict[str, Select[str]]:
    linked = select(case_mails.c.mail_id).where(case_mails.c.mail_id == mails.c.id)
    erased = select(erased_mails.c.mail_id).where(erased_mails.c.mail_id == mails.c.id)
    kept = select(raw_mails.c.mail_id).where(raw_mails.c.mail_id == erased_mails.c.mail_id)
    read = select(mail_texts.c.mail_id).where(mail_texts.c.mail_id == erased_mails.c.mail_id)
    unkept = _without(mails, mails.c.id, raw_mails, raw_mails.c.mail_id)
    ends_in_a_case = mails.c.outcome.in_(("case", "review"))
    took_it_on = case_mails.c.role.in_(("opened", "appended"))
    return {
        "mails_without_bytes": unkept.where(not_(erased.exists())),
        "erased_mails_with_words": select(erased_mails.c.mail_id).where(or_(kept.exists(), read.exists())),
        "erased_mails_under_way": select(erased_mails.c.mail_id)
        .join(mails, mails.c.id == erased_mails.c.mail_id)
        .where(mails.c.settled_at.is_(None)),
        "bytes_without_mail": _without(raw_mails, raw_mails.c.mail_id, mails, mails.c.id),
        "settled_as_case_without_case": select(mails.c.id).where(ends_in_a_case, not_(linked.exists())),
        "linked_but_not_settled": select(mails.c.id)
        .join(case_mails, case_mails.c.mail_id == mails.c.id)
        .where(mails.c.settled_at.is_(None), took_it_on),
    }


def _about_cases() -> dict[str, Select[str]]:
    opener = and_(case_mails.c.case_id == cases.c.id, case_mails.c.mail_id == cases.c.opened_by)
    events = select(case_events.c.id).where(case_events.c.case_id == cases.c.id)
    owed = select(promises.c.id).where(promises.c.case_id == cases.c.id, promises.c.state == "open")
    return {
        "cases_without_their_mail": select(cases.c.id).where(
            not_(select(case_mails.c.case_id).where(opener).exists())
        ),
        "cases_without_history": select(cases.c.id).where(not_(events.exists())),
        "cases_of_people_who_left": select(cases.c.id)
        .join(people, people.c.id == cases.c.owner_id)
        .where(is_open_case(), not_(people.c.is_active)),
        "closed_cases_with_open_promise": select(cases.c.id).where(cases.c.status == "closed", owed.exists()),
        "entries_for_no_case_or_mail": select(outbox.c.id).where(
            outbox.c.kind.not_in(_ALONE), outbox.c.case_id.is_(None), outbox.c.mail_id.is_(None)
        ),
    }


def _without(table: Table, key: Column[str], other: Table, other_key: Column[str]) -> Select[str]:
    return select(key).select_from(table.outerjoin(other, other_key == key)).where(other_key.is_(None))


def _changed_pages(connection: Connection) -> int:
    """Count the closed pages whose totals are no longer those of the mails before their end."""
    before = select(func.count()).select_from(mails).where(mails.c.received_at < book_pages.c.until)
    settled = before.where(mails.c.settled_at.is_not(None))
    wrong = or_(
        book_pages.c.accepted != before.scalar_subquery(),
        book_pages.c.accepted != settled.scalar_subquery(),
    )
    last = select(func.max(book_pages.c.until)).scalar_subquery()
    query = select(func.count()).select_from(book_pages).where(book_pages.c.until == last, wrong)
    return connection.execute(query).scalar_one()
