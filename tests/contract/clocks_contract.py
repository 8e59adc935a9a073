"""What every database must do about time and questions: legal terms, parkings, teams' hours, asks."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseOutcome
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.cases import close_case, keep_promises
from itaca.storage.entries import Entries
from itaca.storage.legal_clocks import carry_clocks, choose_matter, legal_lines, run_clocks, run_on
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.parkings import end_parkings, park, parking_of, unpark
from itaca.storage.promises import break_overdue
from itaca.storage.team_calendars import drop_team_calendar, set_team_calendar
from tests.support.routed import CANCELLATION, COMPLAINT, Desk

ENERGY = Policy(law=Law(load_pack(), "energy"))
TELECOM = Policy(law=Law(load_pack(), "telecom"))
LEGAL_DUE = datetime(2026, 4, 8, 21, 59, tzinfo=UTC)
"""Thirty days after the Monday on which these tests begin, at the last minute of the day in Rome."""


async def the_case(desk: Desk) -> CaseId:
    return CaseId((await desk.cases())[0].id)


async def due_of(desk: Desk) -> datetime:
    (promise,) = await desk.rows(t.promises, state="open")
    return from_micros(promise.due_at)


async def run(desk: Desk, policy: Policy = ENERGY) -> int:
    """Do one round of the watch over the legal terms."""
    now, rng = desk.now, desk.ledger.rng
    return await desk.ledger.database.write(lambda c: run_clocks(c, now, policy, rng, "watch"))


async def parked(desk: Desk, days: float = 7, policy: Policy = ENERGY, says: str = "waits for a photo") -> datetime:
    await desk.pass_time(seconds=1)
    case_id, now, rng = await the_case(desk), desk.now, desk.ledger.rng
    until = now + timedelta(days=days)
    return await desk.ledger.database.write(lambda c: park(c, case_id, until, says, policy, now, rng, "agent"))


class LegalContract:
    """Legal terms start with the mail, are warned of, break aloud, and are moved by nobody."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        await desk.staff("agent", "lead", "head")

    async def test_a_complaint_starts_the_clock_of_its_sector(self, desk: Desk) -> None:
        """It counts from the receipt of the mail, by the rule and version that held; a bookshop has none."""
        await desk.settle(COMPLAINT)
        assert await desk.rows(t.legal_clocks) == []
        await desk.settle(COMPLAINT, policy=ENERGY, sender="b@posta.example")
        case_id = CaseId((await desk.cases())[1].id)
        (line,) = await desk.ledger.database.read(lambda c: legal_lines(c, case_id, ENERGY.law))
        assert (line.rule, line.pack, line.due_at) == ("it.energy.complaint", "IT 2026-01", LEGAL_DUE)
        assert (line.state, "TIQV" in line.source) == ("running", True)

    async def test_a_cancellation_has_its_own_term_and_a_repeat_starts_none(self, desk: Desk) -> None:
        """Thirty days for telephone companies; whoever writes again gets no new and later date."""
        await desk.settle(CANCELLATION, policy=TELECOM)
        await desk.pass_time(days=5)
        await desk.settle(CANCELLATION, policy=TELECOM)
        (clock,) = await desk.rows(t.legal_clocks)
        assert (clock.rule, from_micros(clock.due_at)) == ("it.telecom.cancellation", LEGAL_DUE)

    async def test_a_term_that_runs_out_is_warned_of_and_then_goes_to_the_top(self, desk: Desk) -> None:
        """Five days before: owner and lead; when it is over: everybody up to the top, once."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        case_id = await the_case(desk)
        await desk.ledger.clock.advance(LEGAL_DUE - timedelta(days=5, seconds=1) - desk.now)
        assert await run(desk) == 0
        await desk.pass_time(seconds=1)
        assert (await run(desk), await run(desk)) == (1, 0)
        assert await desk.told(case_id, "legal_term_near") == ["agent@shop.example", "lead@shop.example"]
        await desk.pass_time(days=5)
        assert (await run(desk), await run(desk)) == (1, 0)
        told = await desk.told(case_id, "legal_term_broken")
        assert told == [f"{name}@shop.example" for name in ("agent", "head", "lead")]
        assert (await desk.cases())[0].level == 2

    async def test_lm31_parking_stops_the_company_clock_and_never_the_legal_one(self, desk: Desk) -> None:
        """LM31: the promised date moves by what was parked, the legal date by nothing; its warning comes in time."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        before = await due_of(desk)
        after = await parked(desk, days=7)
        assert after == await due_of(desk)
        assert timedelta(days=7, seconds=-2) <= after - before <= timedelta(days=7, seconds=2)
        (clock,) = await desk.rows(t.legal_clocks)
        assert from_micros(clock.due_at) == LEGAL_DUE
        for change in ({"due_at": clock.due_at + 1}, {"started_at": 1}, {"rule": "other"}):
            with pytest.raises(PermanentError):
                await desk.ledger.database.write(lambda c, v=change: c.execute(update(t.legal_clocks).values(**v)))
        with pytest.raises(PermanentError):
            await desk.ledger.database.write(lambda c: c.execute(delete(t.legal_clocks)))
        await desk.ledger.clock.advance(LEGAL_DUE - timedelta(days=4) - desk.now)
        assert await run(desk) == 1

    async def test_lm31_nobody_parks_beyond_the_legal_date(self, desk: Desk) -> None:
        """LM31: a case is taken up again while there is still time to answer it."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        await desk.pass_time(days=1)
        with pytest.raises(PermanentError, match="legal term ends before"):
            await parked(desk, days=29.9)

    async def test_an_answer_ends_the_term_and_its_bounce_lets_it_run_on(self, desk: Desk) -> None:
        """A kept promise is the answer; if the letter never arrived, the old date stands again."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        case_id = await the_case(desk)
        await desk.pass_time(days=2)
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: keep_promises(c, case_id, "letter 7", now, rng, "agent"))
        (clock,) = await desk.rows(t.legal_clocks)
        assert (clock.state, from_micros(clock.ended_at)) == ("kept", now)
        assert await desk.ledger.database.write(lambda c: run_on(c, case_id, now)) == 1
        (clock,) = await desk.rows(t.legal_clocks)
        assert (clock.state, clock.ended_at, from_micros(clock.due_at)) == ("running", None, LEGAL_DUE)

    async def test_a_closed_case_that_is_reopened_has_a_new_term(self, desk: Desk) -> None:
        """A protest after the effect of a cancellation is a complaint, with the term of complaints."""
        await desk.settle(CANCELLATION, policy=TELECOM)
        case_id = await the_case(desk)
        await desk.pass_time(days=1)
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(
            lambda c: close_case(c, case_id, CaseOutcome.EFFECTED, "record 1", now, rng, "agent")
        )
        await desk.pass_time(days=10)
        await desk.settle(COMPLAINT, "ho dato la disdetta e mi addebitate ancora", policy=TELECOM)
        states = {row.rule: row.state for row in await desk.rows(t.legal_clocks)}
        assert states == {"it.telecom.cancellation": "kept", "it.telecom.complaint": "running"}

    async def test_a_person_names_the_matter(self, desk: Desk) -> None:
        """A double bill has fifteen days, counted from the mail and not from the day somebody saw it."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        case_id, rng = await the_case(desk), random.Random(1)
        await desk.pass_time(days=3)
        now = desk.now
        for is_news in (True, False):
            assert is_news is await desk.ledger.database.write(
                lambda c: choose_matter(c, case_id, "double_billing", now, ENERGY.law, rng, "agent")
            )
        due = {row.rule: from_micros(row.due_at) for row in await desk.rows(t.legal_clocks)}
        assert due["it.energy.double_billing"] == datetime(2026, 3, 24, 22, 59, tzinfo=UTC)
        with pytest.raises(PermanentError, match="double_billing"):
            await desk.ledger.database.write(
                lambda c: choose_matter(c, case_id, "weather", now, ENERGY.law, rng, "agent")
            )

    async def test_a_merger_takes_the_term_with_it(self, desk: Desk) -> None:
        """The case that remains is due when the older one was."""
        await desk.settle(COMPLAINT, policy=ENERGY)
        await desk.settle(COMPLAINT, sender="b@posta.example")
        first, second = (CaseId(case.id) for case in await desk.cases())
        for carried in (1, 0):
            assert carried == await desk.ledger.database.write(
                lambda c: carry_clocks(c, first, second, Entries(desk.now, desk.ledger.rng, "agent"))
            )
        (line,) = await desk.ledger.database.read(lambda c: legal_lines(c, second, ENERGY.law))
        assert line.due_at == LEGAL_DUE


class ParkingContract:
    """A parked case has a date all the time."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent with a lead."""
        await desk.staff("agent", "lead")

    async def test_a_parked_case_does_not_break_and_breaks_when_its_time_is_over(self, desk: Desk) -> None:
        """Until the day named and the rest of the promised time nothing happens; then it escalates as ever."""
        await desk.settle(COMPLAINT)
        after = await parked(desk, days=14)
        rng = desk.ledger.rng
        await desk.ledger.clock.advance(after - timedelta(seconds=1) - desk.now)
        broken = await desk.ledger.database.write(lambda c: break_overdue(c, desk.now, ENERGY, rng, "watch"))
        assert broken == []
        assert await desk.ledger.database.write(lambda c: end_parkings(c, desk.now, rng, "watch")) == 1
        assert await desk.ledger.database.write(lambda c: end_parkings(c, desk.now, rng, "watch")) == 0
        await desk.pass_time(seconds=1)
        broken = await desk.ledger.database.write(lambda c: break_overdue(c, desk.now, ENERGY, rng, "watch"))
        assert [b.level for b in broken] == [1]
        assert await desk.history(await the_case(desk)) == ["opened", "parked", "resumed", "promise_broken"]

    @pytest.mark.parametrize("by_customer", [True, False])
    async def test_taken_up_early_it_has_the_time_that_was_left(self, desk: Desk, by_customer: bool) -> None:
        """Two working days of ten parked: Monday instead of Thursday. The customer's next mail does it too."""
        await desk.settle(COMPLAINT)
        case_id, before = await the_case(desk), await due_of(desk)
        await parked(desk, days=10)
        await desk.pass_time(days=2, hours=-1)
        if by_customer:
            await desk.settle(COMPLAINT)
        else:
            now, rng = desk.now, desk.ledger.rng
            assert await desk.ledger.database.write(lambda c: unpark(c, case_id, ENERGY, now, rng, "agent"))
            assert await desk.ledger.database.write(lambda c: unpark(c, case_id, ENERGY, now, rng, "agent")) is None
        assert abs(await due_of(desk) - (before + timedelta(days=4))) <= timedelta(hours=1, minutes=1)
        assert await desk.ledger.database.read(lambda c: parking_of(c, case_id)) is None

    @pytest.mark.parametrize(
        ("days", "says", "problem"),
        [(7, " ", "why"), (-1, "x", "later moment"), (31, "x", "30 days at most"), (7, "again", "already")],
    )
    async def test_what_cannot_be_parked_says_why(self, desk: Desk, days: float, says: str, problem: str) -> None:
        """No reason, the past, too long, twice."""
        await desk.settle(COMPLAINT)
        if says == "again":
            await parked(desk)
        with pytest.raises(PermanentError, match=problem):
            await parked(desk, days=days, says=says)

    async def test_what_the_law_dates_and_what_is_late_is_not_parked(self, desk: Desk) -> None:
        """The effect of a cancellation is no date of the company; a broken promise is not mended by waiting."""
        await desk.settle(CANCELLATION)
        with pytest.raises(PermanentError, match="nothing is promised"):
            await parked(desk)
        await desk.ledger.database.write(
            lambda c: c.execute(update(t.promises).values(kind="answer", due_at=to_micros(desk.now)))
        )
        with pytest.raises(PermanentError, match="has passed"):
            await parked(desk)

    async def test_a_team_promises_by_its_own_hours(self, desk: Desk) -> None:
        """Saturday counts for who works on Saturdays, until the company's hours hold again."""
        (team,) = {person.team_id for person in await desk.staff("carla")}
        await desk.ledger.database.write(lambda c: c.execute(update(t.people).values(team_id=team)))
        write = desk.ledger.database.write
        await write(lambda c: set_team_calendar(c, team, "mon-sat 10-12 15-20", province="MI", closed_days=["03-10"]))
        await desk.settle(COMPLAINT)
        assert await due_of(desk) == datetime(2026, 3, 13, 19, tzinfo=UTC)
        assert await write(lambda c: drop_team_calendar(c, team))
        assert not await write(lambda c: drop_team_calendar(c, team))
        for wrong in ({"hours": "whenever"}, {"hours": "mon 9-18", "zone": "Europe/Atlantis"}):
            with pytest.raises(PermanentError):
                await write(lambda c, w=wrong: set_team_calendar(c, team, **w))
