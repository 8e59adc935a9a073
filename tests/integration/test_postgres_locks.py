"""Transactions that meet on one case on PostgreSQL: nothing is lost between them, and none waits for each other.

Another process is a connection of its own, in whose transaction the test stops.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection

from itaca.cases.activities import Activity
from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from itaca.cases.splitting import Splitting
from itaca.contracts.events import Judgement
from itaca.contracts.intents import ActivityKind, CaseKind, Intent, OutboxKind, OutboxState
from itaca.mail.model import Entity, EntityKind
from itaca.storage import tables as t
from itaca.storage.activities import report_activity
from itaca.storage.cancellations import follow_watches
from itaca.storage.case_acts import Act
from itaca.storage.case_merging import Merger, merge
from itaca.storage.case_splitting import split
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.departures import departed, failed
from itaca.storage.desk_case import case_version
from itaca.storage.desk_review import decide_review
from itaca.storage.legal_clocks import run_clocks
from itaca.storage.moments import to_micros
from itaca.storage.outbox import enqueue
from itaca.storage.owner_timers import check_owners
from itaca.storage.parkings import end_parkings
from tests.support.ledger import open_ledger
from tests.support.postgres import PostgresServer
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, UNSURE, Desk
from tests.support.waiting import until

pytestmark = pytest.mark.postgres
Work = Callable[[Connection], Any]
Start = Callable[[Desk, Any], Awaitable[Work]]


class Process:
    """Another process in the middle of a transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def does(self, statement: str, *values: object) -> str:
        """Run one statement and leave the transaction open."""
        if not self._connection.is_in_transaction():
            await self._connection.execute("BEGIN")
        return str(await self._connection.execute(statement, *values))

    async def commits(self) -> None:
        await self._connection.execute("COMMIT")

    async def meets(self, started: "asyncio.Task[object]") -> None:
        """Return when somebody waits for a lock, or what was started has ended without waiting."""

        async def is_met() -> bool:
            here = "datname = current_database() AND wait_event_type = 'Lock'"
            waiting = await self._connection.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
            return started.done() or bool(waiting)

        await until(is_met, "the transactions meet")


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """Give a router with a ledger of its own, and two people."""
    async with open_ledger(postgres_url) as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        yield desk


@pytest.fixture
async def other(postgres_url: str, postgres_server: PostgresServer) -> AsyncIterator[Process]:
    """Give another process; its transaction begins with what it does first."""
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    yield Process(connection)
    await connection.close()


async def test_a_letter_that_came_back_takes_nothing_from_a_contact(desk: Desk, other: Process) -> None:
    """A mail raises the case while the courier learns that an answer never arrived: both are counted."""
    await desk.settle(COMPLAINT)
    (case,) = await desk.cases()
    entry = desk.ledger.entry(OutboxKind.REPLY, "reply", case_id=case.id, mail_id=case.opened_by)
    await desk.ledger.database.write(lambda c: enqueue(c, [entry]))
    (reply,) = [one for one in await desk.claim() if one.kind is OutboxKind.REPLY]
    await other.does("UPDATE cases SET contacts = contacts + 1, severity = severity + 5 WHERE id = $1", case.id)
    write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
    ending = asyncio.create_task(write(lambda c: failed(c, reply, OutboxState.FAILED, now, rng, "550")))
    await other.meets(ending)
    await other.commits()
    await ending
    (after,) = await desk.cases()
    assert (after.contacts, after.severity) == (case.contacts + 1, case.severity + 6)


async def test_an_absence_noted_while_the_watch_looks_is_looked_at(desk: Desk, other: Process) -> None:
    """What an absence wakes stays awake, although the watch was just then about to set its next look."""
    await desk.settle(COMPLAINT)
    (case,) = await desk.cases()
    today = POLICY.calendar.today(desk.now)
    away = "INSERT INTO absences (person_id, first_day, last_day) VALUES ($1, $2, $3)"
    await other.does(away, case.owner_id, today, today + timedelta(days=20))
    write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
    looking = asyncio.create_task(write(lambda c: check_owners(c, now, POLICY, rng, "watch")))
    await other.meets(looking)
    await other.commits()
    await looking
    (timer,) = await desk.rows(t.owner_timers)
    assert timer.check_at <= to_micros(now)


async def test_a_term_that_an_answer_is_ending_is_not_broken(desk: Desk, other: Process) -> None:
    """The watch leaves to others what they have in hand, and finds it kept afterwards."""
    energy = Policy(law=Law(load_pack(), "energy"))
    await desk.settle(COMPLAINT, policy=energy)
    (clock,) = await desk.rows(t.legal_clocks)
    await desk.pass_time(days=60)
    await other.does("UPDATE legal_clocks SET state = 'kept', ended_at = 1 WHERE id = $1", clock.id)
    write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
    looking = asyncio.create_task(write(lambda c: run_clocks(c, now, energy, rng, "watch")))
    await other.meets(looking)
    await other.commits()
    assert await looking == 0
    assert [row.state for row in await desk.rows(t.legal_clocks)] == ["kept"]


async def test_a_charge_reported_while_its_cancellation_takes_effect_is_held_against_it(
    desk: Desk, other: Process
) -> None:
    """The report waits for the case, and judges by the date that holds when it has it."""
    await desk.settle(CANCELLATION)
    (case,) = await desk.cases()
    await other.does("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", case.id)
    await other.does("UPDATE cancellations SET effective_at = 1 WHERE case_id = $1", case.id)
    write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
    charge = Activity("billing", "1", ActivityKind.CHARGE, now, email="anna@posta.example")
    reporting = asyncio.create_task(write(lambda c: report_activity(c, charge, now, POLICY, rng, "api:billing")))
    await other.meets(reporting)
    await other.commits()
    assert (await reporting).verdict == "violation"


async def test_a_report_waits_for_whoever_opens_the_cancellation(desk: Desk, other: Process) -> None:
    """Each sees what the other wrote: a router that decides about one of these names holds it until it is done."""
    write, now, rng = desk.ledger.database.write, desk.now, desk.ledger.rng
    for key in ("anna@posta.example", "K1", "C1"):
        await other.does("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
        named = {"email": "Anna@posta.example", "customer": "k 1", "contract": "C1"}
        charge = Activity("billing", key, ActivityKind.CHARGE, now, **named)
        report = partial(report_activity, activity=charge, now=now, policy=POLICY, rng=rng, actor="api:billing")
        reporting = asyncio.create_task(write(report))
        await other.meets(reporting)
        assert not reporting.done()
        await other.commits()
        assert (await reporting).verdict == "unknown"


async def _leaves(desk: Desk, kind: OutboxKind) -> Work:
    (entry,) = [one for one in await desk.claim() if one.kind is kind]
    return lambda c: departed(c, entry, desk.now, desk.ledger.rng, "by the relay")


async def _takes_effect(desk: Desk) -> Work:
    (case,) = await desk.cases()
    effect = Effect(desk.now, "order 7", "billing")
    return lambda c: confirm_effect(c, case.reference, effect, desk.now, POLICY, desk.ledger.rng, "api:billing")


async def _is_watched(desk: Desk) -> Work:
    dates = {"state": "effected", "effected_at": 1, "effective_at": 1}
    await desk.ledger.database.write(lambda c: c.execute(t.cancellations.update().values(dates)))
    return lambda c: follow_watches(c, desk.now, desk.ledger.rng, "watch")


async def _is_taken_up(desk: Desk) -> Work:
    (case,) = await desk.cases()
    dates = {"parked_at": 1, "until_at": 2, "due_before": 1, "says": "a supplier", "parked_by": "agent"}
    row = {"id": "p", "case_id": case.id, **dates}
    await desk.ledger.database.write(lambda c: c.execute(t.parkings.insert().values(row)))
    return lambda c: end_parkings(c, desk.now, desk.ledger.rng, "watch")


MEETINGS = {
    "a receipt leaves": (CANCELLATION, "cancellations", partial(_leaves, kind=OutboxKind.ACKNOWLEDGEMENT)),
    "it is handed over": (CANCELLATION, "cancellations", partial(_leaves, kind=OutboxKind.CANCELLATION_HANDOFF)),
    "it takes effect": (CANCELLATION, "cancellations", _takes_effect),
    "its watch begins": (CANCELLATION, "cancellations", _is_watched),
    "its day has come": (COMPLAINT, "parkings", _is_taken_up),
    "an order is handed over": (ORDER, "promises", partial(_leaves, kind=OutboxKind.ORDER_HANDOFF)),
}


@pytest.mark.parametrize("name", MEETINGS)
async def test_the_case_comes_first(desk: Desk, other: Process, name: str) -> None:
    """Whoever holds a case gets what belongs to it: who does not hold the case yet holds nothing of it."""
    judged, table, start = MEETINGS[name]
    await desk.settle(judged)
    (case,) = await desk.cases()
    work = await start(desk)
    await other.does("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", case.id)
    meeting = asyncio.create_task(desk.ledger.database.write(work))
    await other.meets(meeting)
    await other.does(f"SELECT 1 FROM {table} WHERE case_id = $1 FOR UPDATE NOWAIT", case.id)
    await other.commits()
    await meeting


async def test_the_newest_of_two_cases_comes_first(desk: Desk, other: Process) -> None:
    """A merger takes the cases in the order in which a router takes those of a customer."""
    for number in ("4711001", "4711002"):
        await desk.settle(COMPLAINT, "testo", Entity(kind=EntityKind.ORDER_NUMBER, value=number))
    older, newer = await desk.cases()
    work = await _merges(desk, older, newer)
    await other.does("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", newer.id)
    meeting = asyncio.create_task(desk.ledger.database.write(work))
    await other.meets(meeting)
    await other.does("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE NOWAIT", older.id)
    await other.commits()
    await meeting


async def _act(desk: Desk, case: Any) -> Act:
    version = await desk.ledger.database.read(lambda c: case_version(c, case.id))
    return Act(case.id, case.owner_id, version, desk.now, desk.ledger.rng, anybodys=True)


async def _merges(desk: Desk, ending: Any, staying: Any) -> Work:
    act = await _act(desk, ending)
    return lambda c: merge(c, act, Merger(staying.reference), POLICY)


async def _decides(desk: Desk, case: Any) -> Work:
    act = await _act(desk, case)
    return lambda c: decide_review(c, act, [Intent.COMPLAINT], "agent@shop.example", POLICY)


async def _splits(desk: Desk, case: Any) -> Work:
    act = await _act(desk, case)
    splitting = Splitting((case.opened_by,), CaseKind.CANCELLATION, moves=False, number="C1")
    return lambda c: split(c, act, splitting, POLICY)


@pytest.mark.parametrize(("judged", "start"), [(UNSURE, _decides), (COMPLAINT, _splits)])
async def test_the_writer_comes_before_the_case(desk: Desk, other: Process, judged: Judgement, start: Start) -> None:
    """Who opens a case at the desk waits for a router that decides about the same customer, and holds nothing yet."""
    await desk.settle(judged)
    (case,) = await desk.cases()
    work = await start(desk, case)
    await other.does("SELECT pg_advisory_xact_lock(hashtextextended('anna@posta.example', 0))")
    meeting = asyncio.create_task(desk.ledger.database.write(work))
    await other.meets(meeting)
    assert not meeting.done()
    await other.does("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE NOWAIT", case.id)
    await other.commits()
    await meeting
