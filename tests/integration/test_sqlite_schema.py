"""SQLite's schema: what migrations make, and that every query on the way of a mail finds its index."""

import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, CustomerId, MailId, OutboxId, PersonId
from itaca.contracts.intents import CaseOutcome, CaseStatus, MailOutcome, OutboxState
from itaca.mail.model import Entity, EntityKind, MailText
from itaca.storage import (
    asks,
    audit_samples,
    books,
    cases,
    daily_list,
    desk_cancellations,
    desk_customer,
    desk_day,
    desk_flow,
    desk_lists,
    desk_review,
    desk_search,
    drift,
    followups,
    legal_clocks,
    letters,
    line,
    mails,
    outbox,
    owner_timers,
    parkings,
    people,
    retention,
    standing,
    trace,
    values,
)
from itaca.storage.cancellations import follow_watches
from itaca.storage.case_pages import CasePage, case_page, history_page
from itaca.storage.entries import Entries
from itaca.storage.erasure import Order
from itaca.storage.intake import _known
from itaca.storage.migrate import upgrade
from itaca.storage.moments import to_micros
from itaca.storage.open import open_database
from itaca.storage.paging import Place
from itaca.storage.sqlite import SqliteDatabase
from itaca.storage.suppressions import SuppressionKey, find_suppressions
from itaca.storage.tables import case_mails, readings
from itaca.storage.tokens import find_token
from tests.support.ledger import NOW, Ledger
from tests.support.plans import plans_of, sent_by


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open a migrated ledger in a file."""
    await upgrade(f"sqlite:///{tmp_path}/ledger.db")
    opened = SqliteDatabase(tmp_path / "ledger.db")
    yield opened
    await opened.close()


async def test_migrations_and_tables_spell_the_same_schema(database: SqliteDatabase) -> None:
    """Every table, check, partial index and trigger is word for word the same by migrations and by the code."""
    fresh = await open_database("sqlite://")
    assert await database.read(_definitions) == await fresh.read(_definitions)
    await fresh.close()


ENERGY = Policy(law=Law(load_pack(), "energy"))
LATER = NOW + timedelta(days=35)
ORDER = Order("e", LATER, "watch", "kept long enough", b"s" * 32)
PLACE = Place((to_micros(NOW), "a"))


def _a_mail(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT min(id) FROM mails").scalar_one())


def _scores(connection: Connection) -> object:
    reading = {"mail_id": _a_mail(connection), "model": "m", "read_at": 1, "judgement": {}}
    connection.execute(insert(readings).values(**reading))
    return drift.score_samples(connection, NOW)


def _a_case(connection: Connection) -> CaseId:
    return CaseId(connection.exec_driver_sql("SELECT min(id) FROM cases").scalar_one())


def _an_owner(connection: Connection) -> PersonId:
    return PersonId(connection.exec_driver_sql("SELECT min(id) FROM people").scalar_one())


def _a_customer(connection: Connection) -> CustomerId:
    return CustomerId(connection.exec_driver_sql("SELECT min(id) FROM customers").scalar_one())


def _an_address(connection: Connection) -> str:
    return str(
        connection.exec_driver_sql("SELECT coalesce(min(address), 'a@b.c') FROM customer_addresses").scalar_one()
    )


_REPLY = MailText(
    sender="anna@posta.example",
    in_reply_to="<a@b>",
    entities=(
        Entity(kind=EntityKind.CUSTOMER_CODE, value="K1"),
        Entity(kind=EntityKind.CASE_REFERENCE, value="IT-A"),
    ),
)


def _follow_up(connection: Connection) -> object:
    """A mail joins a case: what is asked, its legal term, the end of a parking."""
    entries = Entries(NOW, random.Random(1), "router")
    entries.row(case_mails, case_id=_a_case(connection), mail_id=_a_mail(connection), role="appended")
    mail_id = MailId(_a_mail(connection))
    texts = {mail_id: MailText(new_text="Dove sono?")}
    return followups.follow_up(connection, entries, texts, {mail_id: to_micros(NOW)}, ENERGY)


QUERIES: dict[str, Callable[[Connection], object]] = {
    "digest": lambda c: _known(c, ["a", "b"]),
    "raw": lambda c: mails.load_raw(c, MailId("a")),
    "mails": lambda c: mails.load_mails(c, [MailId("a"), MailId("b")]),
    "texts": lambda c: mails.load_texts(c, [MailId("a")]),
    "message_id": lambda c: mails.find_by_message_id(c, "<a@b>"),
    "settle": lambda c: mails.settle(c, MailId("a"), MailOutcome.CASE, "router", NOW),
    "unsettled": lambda c: mails.claim_unsettled(c, NOW, 10),
    "any due": lambda c: mails.is_any_due(c, NOW),
    "letter": lambda c: letters.load_context(c, MailId(_a_mail(c)), [_a_case(c)]),
    "writers": lambda c: standing.load_writers(c, [_REPLY], people.load_roster(c, NOW.date())),
    "unsettled of a batch": lambda c: standing.lock_unsettled(c, [MailId("a")]),
    "load": lambda c: people.load_roster(c, NOW.date()),
    "due": lambda c: outbox.claim_due(c, NOW, 60, 10),
    "finish": lambda c: outbox.finish(c, OutboxId("a"), OutboxState.SENT, NOW),
    "retry": lambda c: outbox.retry_later(c, OutboxId("a"), NOW, ""),
    "entries": lambda c: outbox.load_entries(c, CaseId("a")),
    "trace": lambda c: trace.life_of(c, _a_mail(c)),
    "glance": lambda c: books.glance(c, NOW, 900),
    "draw": lambda c: audit_samples._sampler(c, NOW, 300, random.Random(1)),
    "alarms": drift.standing_alarms,
    "legal terms": lambda c: legal_clocks.run_clocks(c, LATER, ENERGY, random.Random(1), "watch"),
    "parkings": lambda c: parkings.end_parkings(c, LATER, random.Random(1), "watch"),
    "owners": lambda c: owner_timers.check_owners(c, LATER, ENERGY, random.Random(1), "watch"),
    "daily list": lambda c: daily_list.leave_daily_lists(c, LATER, ENERGY, random.Random(1)),
    "asks": lambda c: asks.question_check(c, _a_case(c)),
    "closing": lambda c: cases.close_case(
        c, _a_case(c), CaseOutcome.ANSWERED, "record 1", NOW, random.Random(1), "agent"
    ),
    "values": lambda c: values.score_due(c, LATER),
    "ranking": lambda c: [values.zero_values(c, by, NOW - timedelta(days=28), LATER) for by in values.By],
    "follow-up": _follow_up,
    "scores": _scores,
    "suppression_email": lambda c: find_suppressions(c, SuppressionKey.EMAIL, "a@b.c"),
    "suppression_customer": lambda c: find_suppressions(c, SuppressionKey.CUSTOMER, "K1"),
    "suppression_contract": lambda c: find_suppressions(c, SuppressionKey.CONTRACT, "C1"),
    "retention noted": lambda c: retention.forget_noted(c, LATER, ORDER),
    "retention closed": lambda c: retention.forget_closed(c, LATER, ORDER),
    "watches": lambda c: follow_watches(c, NOW, random.Random(1), "watch"),
    "case_page": lambda c: case_page(c, CasePage(status=CaseStatus.OPEN, before="f")),
    "case_page of an owner": lambda c: case_page(c, CasePage(owner_email="penelope@shop.example")),
    "case_page of a customer": lambda c: case_page(c, CasePage(customer_email=_an_address(c))),
    "history_page": lambda c: history_page(c, CaseId("a"), "a"),
    "my day": lambda c: [
        desk_lists.open_cases_page(c, _an_owner(c), place=PLACE),
        desk_lists.count_open(c, _an_owner(c)),
        desk_day.reviews_waiting(c, _an_owner(c)),
        desk_day.came_back(c, _an_owner(c), NOW),
    ],
    "all cases": lambda c: [
        desk_lists.open_cases_page(c, place=replace(PLACE, is_back=True)),
        desk_lists.count_open(c),
    ],
    "search": lambda c: [desk_search.search_cases(c, words) for words in (_an_address(c), "A 17", "IT-00000-00000")],
    "review": lambda c: [
        desk_review.next_to_decide(c, _an_owner(c), True),
        desk_review.left_to_decide(c, _an_owner(c), True),
        desk_review.left_to_check(c),
    ],
    "flow": lambda c: desk_flow.load_flow(c, NOW, NOW - timedelta(hours=8)),
    "register": lambda c: [
        desk_cancellations.register_page(c, shown, Place(("f",))) for shown in desk_cancellations.Shown
    ],
    "customer": lambda c: [
        desk_customer.customer_history(c, _a_customer(c), PLACE),
        desk_lists.cases_of(c, _a_customer(c)),
        desk_customer.load_customer(c, _a_customer(c)),
    ],
    "case_list": lambda c: [cases.list_cases(c), cases.list_cases(c, is_open=False)],
    "metrics": lambda c: [line.open_cases(c), line.overdue_promises(c, NOW)],
    "api_token": lambda c: find_token(c, "itaca_0123456789ab_" + "A" * 43, NOW),
}
ALLOWED = (
    "SCAN anon_",  # what several walks along an index found, each no longer than a page
    "SCAN (subquery-",
    "SCAN audit_samples USING INDEX ix_audit_samples_waiting",  # what waits for a blind check
    "SCAN cases USING INDEX ix_cases_closed_at",  # from its end, as many as are asked for
    *(f"SCAN {small}" for small in ("people", "teams", "team_calendars", "absences", "drift_alarms", "webhooks")),
    "SCAN owner_timers USING INDEX ix_owner_timers_exhausted",
    "SCAN readings USING COVERING INDEX sqlite_autoindex_readings_1",  # from its end, one row
    "SCAN book_pages USING INDEX sqlite_autoindex_book_pages_1",  # from its end, one row
    "SCAN CONSTANT ROW",
    "SCAN (subquery-1)",  # of that row: what SQLAlchemy writes for an empty list
    *(f"SCAN mails USING {kind} ix_mails_unsettled" for kind in ("INDEX", "COVERING INDEX")),
    *(f"SCAN outbox USING {kind} ix_outbox_due" for kind in ("INDEX", "COVERING INDEX")),
    *(f"SCAN cases USING {kind} ux_cases_one_open_matter" for kind in ("INDEX", "COVERING INDEX")),
    *(f"SCAN cases USING {kind} ix_cases_owner_breaks" for kind in ("INDEX", "COVERING INDEX")),
)
"""Small tables of the company, the last page of the books, and what is open or unsettled at this moment."""


@pytest.mark.parametrize("name", QUERIES)
async def test_every_query_finds_its_index(database: SqliteDatabase, name: str) -> None:
    """No statement walks through a table that grows with the mail; only the roster's small ones are read whole."""
    ledger = Ledger(database)
    await ledger.open_case(await ledger.accept(b"a"))
    await database.write(lambda c: books.close_page(c, NOW - timedelta(days=1)))
    plans = await database.write(lambda c: plans_of(c, sent_by(c, QUERIES[name])))
    assert plans
    assert [line for line in plans if line.startswith("SCAN") and not line.startswith(ALLOWED)] == []
    assert [line for line in plans if line.endswith(("ix_mails_received_at", "(received_at<?)"))] == []


async def test_the_roster_counts_open_cases_only(database: SqliteDatabase) -> None:
    """What an owner has closed in years costs nothing when the next owner is chosen."""
    plans = await database.read(lambda c: plans_of(c, sent_by(c, QUERIES["load"])))
    (search,) = [line for line in plans if " cases " in line]
    assert search.endswith("(owner_id=? AND kind=? AND status=?)")


LISTS = {
    "glance": "ix_cases_breaks (kind=? AND breaks_at>?)",
    "all cases": "ix_cases_breaks (kind=? AND (breaks_at,id)<(?,?))",
    "my day": "ix_cases_owner_breaks (owner_id=? AND kind=? AND (breaks_at,id)>(?,?))",
    "review": "ix_cases_owner_breaks (owner_id=? AND kind=?)",
    "register": "ix_cancellations_state (state=? AND case_id<?)",
    "customer": "ix_cases_customer (customer_id=?)",
    "case_page of an owner": "ix_cases_owner_kind_status (owner_id=? AND kind=? AND status=?)",
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_begins_where_its_page_begins(database: SqliteDatabase, name: str) -> None:
    """The order of a list is that of an index, so that it reads its page and no line before or behind."""
    ledger = Ledger(database)
    await ledger.open_case(await ledger.accept(b"a"))
    plans = await database.write(lambda c: plans_of(c, sent_by(c, QUERIES[name])))
    assert [line for line in plans if line.startswith("SEARCH") and line.endswith(LISTS[name])]


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - {"case_page"}))
async def test_no_state_is_bound_that_a_partial_index_asks_for(database: SqliteDatabase, name: str) -> None:
    """SQLite would prepare such a statement anew each time it is run; only one list is asked for any state."""
    ledger = Ledger(database)
    await ledger.open_case(await ledger.accept(b"a"))
    sent = await database.write(lambda c: sent_by(c, QUERIES[name]))
    conditions = await database.read(lambda c: list(c.scalars(text(_PARTIAL))))
    found = re.findall(r"ON (\w+) .* WHERE (state|status) =", "\n".join(conditions))
    asked = {f"{table}.{column}" for table, column in found}
    assert asked >= {"cases.status", "promises.state"}
    assert [column for statement, _ in sent for column in asked if f"{column} = ?" in statement] == []


_PARTIAL = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"


def _definitions(connection: Connection) -> dict[str, set[str]]:
    """Return what makes each table, index and trigger; the order of a table's constraints means nothing."""
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    spelled = {name: " ".join(sql.replace("(true)", "true").split()) for name, sql in connection.execute(query)}
    # A column that a step added names its reference beside itself; a table made at once names it below.
    apart = {
        name: re.sub(_BESIDE, r"\1\2, CONSTRAINT \3 FOREIGN KEY(\1) REFERENCES", sql) for name, sql in spelled.items()
    }
    return {name: set(re.split(", (?=CONSTRAINT)", sql.removesuffix(" )"))) for name, sql in apart.items()}


_BESIDE = r"(\w+)( VARCHAR\(36\)) CONSTRAINT (\w+) REFERENCES"
