"""Any sequence of mails, absences, silence and jumps of the clock: each open case is with somebody who is there."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseOutcome
from itaca.storage import tables as t
from itaca.storage.asks import tick_all
from itaca.storage.cases import close_case
from itaca.storage.daily_list import leave_daily_lists
from itaca.storage.legal_clocks import run_clocks
from itaca.storage.moments import to_micros
from itaca.storage.owner_timers import check_owners
from itaca.storage.parkings import end_parkings
from itaca.storage.people import load_roster, set_absence
from itaca.storage.promises import break_overdue
from tests.support.ledger import open_ledger
from tests.support.postgres import PostgresServer
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, POLICY, UNSURE, Desk

JUDGED = {"complaint": COMPLAINT, "cancellation": CANCELLATION, "order": ORDER, "review": UNSURE}
STEPS = st.one_of(
    st.tuples(st.just("mail"), st.sampled_from(sorted(JUDGED)), st.integers(0, 2)),
    st.tuples(st.just("absence"), st.integers(0, 5), st.integers(-1, 6), st.integers(0, 25)),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("close"), st.integers(0, 20)),
    st.tuples(st.just("pass"), st.sampled_from([1, 5, 13, 24, 72, 200, 1000])),
    st.tuples(st.just("back"), st.sampled_from([1, 3])),
)
HISTORIES = st.tuples(
    st.tuples(st.just("mail"), st.sampled_from(sorted(JUDGED)), st.integers(0, 2)),
    st.lists(STEPS, min_size=2, max_size=12),
).map(lambda drawn: [drawn[0], *drawn[1]])
"""Somebody writes first: before that there is nobody to be left alone."""
TEAMS = (("agent", "lead", "head"), ("bella", "boss"), ("carla",))


class Firm:
    """A company on a ledger in memory, with a watch that runs after everything that happens."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.people: list[Any] = []

    async def do(self, step: tuple[Any, ...]) -> None:
        """Let one thing happen."""
        await getattr(self, f"_{step[0]}")(*step[1:])

    async def watch(self) -> None:
        """Do the rounds of the watch until nothing is due."""
        write, rng = self.desk.ledger.database.write, self.desk.ledger.rng
        now = self.desk.now
        for duty in (
            lambda c: len(break_overdue(c, now, POLICY, rng, "watch")),
            lambda c: end_parkings(c, now, rng, "watch"),
            lambda c: run_clocks(c, now, POLICY, rng, "watch"),
            lambda c: check_owners(c, now, POLICY, rng, "watch"),
        ):
            while await write(duty):
                pass
        await write(lambda c: leave_daily_lists(c, now, POLICY, rng))

    async def check(self) -> None:
        """Look at every open case: its owner is at work, or somebody at work knows; with nobody there, the chain."""
        today = POLICY.calendar.today(self.desk.now)
        roster = await self.desk.ledger.database.read(lambda c: load_roster(c, today))
        told: dict[str, set[str]] = {}
        for row in await self.desk.rows(t.outbox):
            payload = row.payload if isinstance(row.payload, dict) else json.loads(row.payload)
            for case_id in payload.get("case_ids", [row.case_id]) if "person_id" in payload else ():
                told.setdefault(case_id, set()).add(payload["person_id"])
        timers = {row.case_id: row for row in await self.desk.rows(t.owner_timers)}
        now = to_micros(self.desk.now)
        promised = {row.case_id for row in await self.desk.rows(t.promises, state="open") if row.due_at > now}
        for case in await self.desk.rows(t.cases, status="open"):
            if case.owner_id is None:
                # The order system has it, and a person gets it the moment that its promise breaks.
                assert (case.kind, case.id in promised) == ("order", True)
                continue
            assert timers[case.id].check_at > 0
            if roster.people[case.owner_id].is_at_work:
                continue
            knowing = told.get(case.id, set())
            above = {person.id for person in roster.chain(case.owner_id)}
            if any(person.is_at_work for person in roster.people.values()):
                assert any(roster.people[person].is_at_work for person in knowing), case.kind
            else:
                assert above <= knowing

    async def _mail(self, kind: str, writer: int) -> None:
        if any(p.is_active for p in (await self._roster()).people.values()):
            await self.desk.settle(JUDGED[kind], "ho dato la disdetta. Dove sono?", sender=f"c{writer}@posta.example")

    async def _absence(self, who: int, ahead: int, days: int) -> None:
        person = self.people[who % len(self.people)]
        first = POLICY.calendar.today(self.desk.now) + timedelta(days=ahead)
        last = first + timedelta(days=days)
        await self.desk.ledger.database.write(lambda c: set_absence(c, person.id, first, last))

    async def _leave(self, who: int) -> None:
        """Somebody goes for good; the last one stays."""
        active = [p for p in (await self._roster()).people.values() if p.is_active]
        if len(active) > 1:
            gone = update(t.people).where(t.people.c.id == active[who % len(active)].id).values(is_active=False)
            await self.desk.ledger.database.write(lambda c: c.execute(gone))

    async def _close(self, which: int) -> None:
        cases = await self.desk.rows(t.cases, status="open")
        if cases:
            case_id, now, rng = CaseId(cases[which % len(cases)].id), self.desk.now, self.desk.ledger.rng

            def work(conn: Any) -> None:
                tick_all(conn, case_id, "said on the phone", now, rng, "agent")
                close_case(conn, case_id, CaseOutcome.ANSWERED, "letter 7", now, rng, "agent")

            await self.desk.ledger.database.write(work)

    async def _pass(self, hours: int) -> None:
        await self.desk.pass_time(hours=hours)

    async def _back(self, minutes: int) -> None:
        """The clock is put back a little, as a time server does."""
        self.desk.ledger.clock._now -= timedelta(minutes=minutes)

    async def _roster(self) -> Any:
        today = POLICY.calendar.today(self.desk.now)
        return await self.desk.ledger.database.read(lambda c: load_roster(c, today))


async def play(url: str, teams: int, steps: list[tuple[Any, ...]]) -> None:
    async with open_ledger(url) as ledger:
        firm = Firm(Desk(ledger))
        for names in TEAMS[:teams]:
            firm.people += await firm.desk.staff(*names)
        for step in steps:
            await firm.do(step)
            await firm.watch()
            await firm.check()


@settings(max_examples=40)
@given(st.integers(1, 3), HISTORIES)
def test_no_open_case_is_without_somebody_who_is_there_or_was_told(teams: int, steps: list[tuple[Any, ...]]) -> None:
    """After any history: the owner is at work, or somebody at work was told; with nobody at work, the whole chain."""
    asyncio.run(play("sqlite://", teams, steps))


@pytest.mark.postgres
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(teams=st.integers(1, 3), steps=HISTORIES)
def test_the_same_holds_on_postgres(
    postgres_server: PostgresServer, teams: int, steps: list[tuple[Any, ...]]
) -> None:
    """The watch locks and counts in another way there, and leaves nobody alone either."""
    asyncio.run(play(postgres_server.url(postgres_server.new_database()), teams, steps))
