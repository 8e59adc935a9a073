"""Long lists on every database: what breaks first on top, page by page, each line once while others come and go."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from itaca.cases.actions import NewPromise
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome, PromiseKind
from itaca.mail.model import Entity, EntityKind
from itaca.storage import tables as t
from itaca.storage.books import QUARTER, close_page
from itaca.storage.cases import close_case, list_cases
from itaca.storage.customer_words import note_words
from itaca.storage.desk_flow import load_flow
from itaca.storage.desk_lists import DayLine, cases_of, count_open, newest_page, open_cases_page
from itaca.storage.desk_search import MOST_CUSTOMERS, search_cases
from itaca.storage.entries import Entries
from itaca.storage.moments import NEVER, to_micros
from itaca.storage.paging import Page, Place, Tally
from itaca.storage.promises import break_overdue
from tests.support.ledger import NOW, open_ledger
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, Desk


class ListsContract:
    """The fixture ``ledger_url`` names an empty ledger."""

    @pytest.fixture
    async def desk(self, ledger_url: str):
        """Give a ledger with an agent and their lead."""
        async with open_ledger(ledger_url) as ledger:
            desk = Desk(ledger)
            desk.agent, desk.lead = await desk.staff("agent", "lead")
            yield desk

    async def complain(self, desk: Desk, count: int, start: int = 0) -> None:
        """Let so many customers write; each third one cancels."""
        for n in range(start, start + count):
            who = f"c{n}@posta{n}.example"
            await desk.settle(COMPLAINT if n % 3 else CANCELLATION, sender=who, reply_to_address=who)

    async def page(self, desk: Desk, place: Place | None = None, limit: int = 3) -> Page[DayLine]:
        return await desk.ledger.database.read(partial(open_cases_page, place=place, limit=limit))

    async def test_open_cases_stand_by_what_breaks_first_each_once(self, desk: Desk) -> None:
        """Page after page to the end, and the same pages on the way back."""
        await self.complain(desk, 8)
        wanted = [row.id for row in sorted(await desk.cases(), key=lambda row: (row.breaks_at, row.id))]
        first = await self.page(desk)
        second = await self.page(desk, _place(first.lines[-1]))
        third = await self.page(desk, _place(second.lines[-1]))
        assert [line.id for one in (first, second, third) for line in one.lines] == wanted
        assert [(one.has_previous, one.has_next) for one in (first, second, third)] == [
            (False, True),
            (True, True),
            (True, False),
        ]
        back = await self.page(desk, _place(third.lines[0], is_back=True))
        assert (back.lines, back.has_previous, back.has_next) == (second.lines, True, True)
        top = await self.page(desk, _place(second.lines[0], is_back=True))
        assert (top.lines, top.has_previous, top.has_next) == (first.lines, False, True)

    async def test_what_comes_and_goes_meanwhile_neither_doubles_nor_hides_a_line(self, desk: Desk) -> None:
        """Between the pages cases are opened and closed: what stays open is seen once."""
        await self.complain(desk, 6)
        stays = {row.id for row in await desk.cases()}
        seen: list[str] = []
        place: Place | None = None
        for number in range(20):
            page = await self.page(desk, place, 2)
            seen += [line.id for line in page.lines]
            if not page.has_next:
                break
            place = _place(page.lines[-1])
            if number < 2:
                await self.complain(desk, 1, start=100 + number)
                stays.discard(page.lines[0].id)
                await self.close(desk, page.lines[0].id)
        assert len(seen) == len(set(seen))
        assert stays <= set(seen)

    async def test_a_list_is_somebodys_of_some_kinds_and_counted_up_to_a_bound(self, desk: Desk) -> None:
        """What is closed, another's or of another kind is not in it."""
        await self.complain(desk, 7)
        first, *_, last = await desk.cases()
        await self.close(desk, first.id)
        await desk.ledger.database.write(lambda c: _give(c, last.id, desk.lead.id))
        read, agent, kinds = desk.ledger.database.read, desk.agent.id, (CaseKind.COMPLAINT,)
        mine = (await read(lambda c: open_cases_page(c, agent, kinds))).lines
        assert {line.kind for line in mine} == set(kinds)
        assert not {first.id, last.id} & {line.id for line in mine}
        assert await read(lambda c: count_open(c, agent, kinds)) == Tally(len(mine))
        assert await read(lambda c: count_open(c, None, kinds, most=2)) == Tally(2, is_more=True)

    async def test_a_case_with_three_promises_stands_once_by_the_first(self, desk: Desk) -> None:
        """At the desk and on the command line; when the first is kept, by the second; when none is open, by none."""
        await self.complain(desk, 1, start=1)
        (case,) = await desk.cases()
        later, last = NOW + timedelta(days=90), NOW + timedelta(days=120)
        for due_at in (later, last):
            await desk.ledger.database.write(lambda c, d=due_at: self.promise(c, desk, case.id, d))
        (line,) = (await self.page(desk)).lines
        (told,) = await desk.ledger.database.read(lambda c: list_cases(c))
        dues = sorted(row.due_at for row in await desk.rows(t.promises))
        assert (to_micros(line.due_at), told.due_at) == (dues[0], line.due_at)
        await desk.ledger.database.write(lambda c: _keep(c, dues[0]))
        assert (await self.page(desk)).lines[0].due_at == later
        await desk.ledger.database.write(lambda c: _keep(c, dues[1]))
        assert (await self.page(desk)).lines[0].due_at == last
        await desk.ledger.database.write(lambda c: _keep(c, dues[2]))
        assert (await self.page(desk)).lines[0].due_at is None
        assert (await desk.rows(t.cases))[0].breaks_at == NEVER

    async def test_the_date_of_a_list_is_that_of_the_promises_whatever_happens(self, desk: Desk) -> None:
        """Broken, kept, reopened: the database carries each change of a promise to its case."""
        await self.complain(desk, 5)
        *_, closed = await desk.cases()
        await self.close(desk, closed.id)
        await desk.pass_time(days=40)
        now = desk.now
        await desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, desk.ledger.rng, "watch"))
        await self.complain(desk, 2)
        assert await desk.ledger.database.read(_misdated) == []

    async def test_a_customers_cases_stand_open_ones_first(self, desk: Desk) -> None:
        """And the search walks them the newest first, page by page."""
        for judged in (COMPLAINT, CANCELLATION):
            await desk.settle(judged)
            await desk.pass_time(minutes=1)
        old, new = sorted(await desk.cases(), key=lambda row: row.id)
        await self.close(desk, new.id)
        read = desk.ledger.database.read
        assert [line.id for line in await read(lambda c: cases_of(c, old.customer_id))] == [old.id, new.id]
        first = await read(lambda c: newest_page(c, [_of(old)], limit=1))
        assert ([line.id for line in first.lines], first.has_next) == ([new.id], True)
        rest = await read(lambda c: newest_page(c, [_of(old)], Place((new.id,)), 1))
        assert ([line.id for line in rest.lines], rest.has_previous, rest.has_next) == ([old.id], True, False)

    async def test_customers_are_found_by_address_number_and_the_beginnings_of_their_names(self, desk: Desk) -> None:
        """In any order, without accents; what stands inside of a word, or in nobody's name, is not found."""
        names = ("Nicolò D'Angelo", "Maria Rossi", "Mario Rossini", "Anna Neri")
        numbers = {"entities": (Entity(kind=EntityKind.CUSTOMER_CODE, value="A1774"),)}
        for n, name in enumerate(names):
            who = f"scrivo.{n}@posta{n}.example"
            await desk.settle(
                COMPLAINT, sender=who, sender_name=name, reply_to_address=who, **(numbers if not n else {})
            )
        found = {words: await self.found(desk, words) for words in ("rossi", "rossi mar", "nicolo", "Ang", "oss")}
        assert found == {
            "rossi": {"Maria Rossi", "Mario Rossini"},
            "rossi mar": {"Maria Rossi", "Mario Rossini"},
            "nicolo": {"Nicolò D'Angelo"},
            "Ang": {"Nicolò D'Angelo"},
            "oss": set(),
        }
        assert await self.found(desk, "rossini anna") == set()
        assert await self.found(desk, "SCRIVO.3@posta3.example") == {"Anna Neri"}
        assert await self.found(desk, "a 1774") == {"Nicolò D'Angelo"}
        assert await self.found(desk, "scrivo") == set(names)

    async def test_the_case_of_a_reference_is_found_alone(self, desk: Desk) -> None:
        """However it is typed."""
        await self.complain(desk, 2)
        case, _ = await desk.cases()
        found = await desk.ledger.database.read(lambda c: search_cases(c, case.reference.lower()))
        assert ([line.id for line in found.page.lines], found.is_exact) == ([case.id], True)

    async def test_too_many_customers_of_one_name_are_told(self, desk: Desk) -> None:
        """Nobody is to believe that these are all."""
        now = to_micros(NOW)
        rows = [{"id": f"{n:036}", "name": "Gino Bartali", "since": now} for n in range(MOST_CUSTOMERS + 1)]
        await desk.ledger.database.write(lambda c: c.execute(insert(t.customers), rows))
        await desk.ledger.database.write(lambda c: note_words(c, rows, []))
        assert (await desk.ledger.database.read(lambda c: search_cases(c, "bartali"))).is_cut
        assert (await desk.ledger.database.read(lambda c: search_cases(c, "bartali g"))).is_cut
        assert not (await desk.ledger.database.read(lambda c: search_cases(c, "bartali xx"))).is_cut

    async def test_a_customer_whose_name_was_erased_is_found_by_no_word(self, desk: Desk) -> None:
        """The words go with the name, whoever erases it."""
        await desk.settle(COMPLAINT, sender="anna@posta.example", sender_name="Anna Neri")
        await desk.ledger.database.write(lambda c: c.execute(update(t.customers).values(name="")))
        assert await desk.rows(t.customer_words) == []

    async def test_a_promise_taken_back_dates_its_case_anew(self, desk: Desk) -> None:
        """What was promised and undone breaks nothing."""
        await self.complain(desk, 1, start=1)
        (case,) = await desk.cases()
        soon = NOW + timedelta(hours=1)
        await desk.ledger.database.write(lambda c: self.promise(c, desk, case.id, soon))
        assert (await self.page(desk)).lines[0].due_at == soon
        undone = delete(t.promises).where(t.promises.c.due_at == to_micros(soon))
        await desk.ledger.database.write(lambda c: c.execute(undone))
        assert await desk.ledger.database.read(_misdated) == []

    async def test_the_hours_of_a_day_are_the_sums_of_closed_pages_and_of_what_came_since(self, desk: Desk) -> None:
        """With the books closed or open, the day is told alike."""
        midnight = NOW.replace(hour=0, minute=0)
        for n in range(6):
            await self.complain(desk, 1, start=n)
            await desk.pass_time(minutes=25)
            if n % 2:
                now = desk.now
                await desk.ledger.database.write(lambda c, n=now: close_page(c, n))
        read = desk.ledger.database.read
        paged = await read(lambda c: load_flow(c, desk.now, midnight))
        counted = await read(lambda c: _by_hour(c, to_micros(midnight)))
        pages = await desk.rows(t.book_pages)
        assert len(pages) >= 2
        assert [page.until % QUARTER for page in pages] == [0] * len(pages)
        assert {hour: held.total() for hour, held in paged.by_hour.items()} == counted
        assert paged.open_cases == Tally(6)

    async def found(self, desk: Desk, words: str) -> set[str]:
        page = (await desk.ledger.database.read(lambda c: search_cases(c, words))).page
        return {line.customer for line in page.lines}

    async def close(self, desk: Desk, case_id: str) -> None:
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(
            lambda c: close_case(c, CaseId(case_id), CaseOutcome.REJECTED, "told them why", now, rng, "agent")
        )

    @staticmethod
    def promise(conn: Connection, desk: Desk, case_id: str, due_at) -> None:
        entries = Entries(desk.now, desk.ledger.rng, "agent")
        entries.promise(CaseId(case_id), NewPromise(PromiseKind.ANSWER, due_at))
        entries.write(conn)


def _of(case) -> Select:
    return select(t.cases.c.id).where(t.cases.c.customer_id == case.customer_id)


def _place(line: DayLine, is_back: bool = False) -> Place:
    assert line.due_at is not None
    return Place((to_micros(line.due_at), line.id), is_back)


def _give(conn: Connection, case_id: str, owner_id: str) -> None:
    conn.execute(update(t.cases).where(t.cases.c.id == case_id).values(owner_id=owner_id))


def _keep(conn: Connection, due_at: int) -> None:
    kept = {"state": "kept", "ended_at": to_micros(NOW), "evidence": "record 1"}
    conn.execute(update(t.promises).where(t.promises.c.due_at == due_at).values(kept))


def _misdated(conn: Connection) -> Sequence[str]:
    """Return the cases whose date is not that of their first open promise."""
    own = (t.promises.c.case_id == t.cases.c.id) & (t.promises.c.state == "open")
    first = select(func.coalesce(func.min(t.promises.c.due_at), NEVER)).where(own).correlate(t.cases)
    return conn.scalars(select(t.cases.c.id).where(t.cases.c.breaks_at != first.scalar_subquery())).all()


def _by_hour(conn: Connection, midnight: int) -> dict[int, int]:
    hours = [(at - midnight) // 3_600_000_000 for at in conn.scalars(select(t.mails.c.received_at))]
    return {hour: hours.count(hour) for hour in sorted(set(hours))}
