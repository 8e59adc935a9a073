"""Open pages hear what concerns them, once for however much; each costs a flag, and all together one look."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from starlette.types import Message

from itaca.contracts.ids import CaseReference, PersonId
from itaca.contracts.intents import CaseKind
from itaca.errors import TransientError
from itaca.storage import tables as t
from itaca.storage.database import Database, T, Work
from itaca.storage.desk_sessions import also_looking, begin_session, end_session, look_at
from itaca.storage.people import add_person, add_team
from services.desk.live import KEEP_S, MOST_OF_ONE_SESSION, Listener, Live, Page, Topic
from services.desk.routes import live as stream
from tests.support.ledger import Ledger, new_ledger_file, open_ledger
from tests.support.waiting import until

NEVER_S = 3600.0
DAY, REVIEW, FLOW = Topic(Page.DAY, "nobody"), Topic(Page.REVIEW), Topic(Page.FLOW)


class Leaving(Database):
    """A ledger that goes away, or hangs, when it is told to."""

    def __init__(self, database: Database) -> None:
        self._database, self.is_away, self.refused, self.answers = database, False, 0, asyncio.Event()
        self.answers.set()

    async def read(self, work: Work[T]) -> T:
        await self.answers.wait()
        if self.is_away:
            self.refused += 1
            raise TransientError("the ledger is away")
        return await self._database.read(work)

    async def write(self, work: Work[T]) -> T:
        return await self._database.write(work)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Give a ledger with Anna, signed in twice, and Marco."""
    async with open_ledger(await new_ledger_file(tmp_path)) as opened:
        await opened.database.write(lambda c: _sign_in(c, opened))
        yield opened


@pytest.fixture
async def live(ledger: Ledger) -> AsyncIterator[Live]:
    """Give a hub that looks when somebody comes or goes, and when a test asks it to."""
    opened = Live(Leaving(ledger.database), ledger.clock, NEVER_S)
    yield opened
    await opened.close()


def _sign_in(c: Connection, ledger: Ledger) -> None:
    now, rng = ledger.clock.now(), ledger.rng
    team = add_team(c, "Servizio Clienti", (), now, rng)
    for name in ("Anna", "Marco"):
        person = add_person(c, name, f"{name.lower()}@shop.example", team.id, now, rng, (), None)
        for session in (name, f"{name} at home"):
            begin_session(c, session, PersonId(person.id), now, now + timedelta(hours=1))


async def listen(live: Live, session: str, topic: Topic) -> Listener:
    """Enter, and take the first word."""
    listener = live.enter(session, topic)
    assert listener is not None
    assert await listener.changed(30)
    await listener.rest(0)
    return listener


async def heard(*listeners: Listener) -> list[bool]:
    """Say who was told something, and let them rest."""
    said = [await one.changed(0.001) for one in listeners]
    for one in listeners:
        await one.rest(0)
    return said


async def a_case(ledger: Ledger, kind: CaseKind = CaseKind.COMPLAINT) -> tuple[str, str]:
    """Open a case and return its reference and its owner."""
    case_id = await ledger.open_case(await ledger.accept(ledger.rng.randbytes(9)), kind)
    row = await ledger.database.read(lambda c: c.execute(t.cases.select().where(t.cases.c.id == case_id)).one())
    return row.reference, row.owner_id


async def test_a_glance_leaves_no_shadow(ledger: Ledger, live: Live) -> None:
    """Whoever opened a case and left before anybody looked is not said to look at it; nor after a stop."""
    reference, _ = await a_case(ledger)
    now, watched = ledger.clock.now(), await listen(live, "Marco", FLOW)

    async def glance(session: str) -> Listener:
        looks = [(session, CaseReference(reference))]
        await ledger.database.write(lambda c: look_at(c, looks, now))
        entered = live.enter(session, Topic(Page.CASE, reference))
        assert entered is not None
        return entered

    async def nobody_looks() -> bool:
        return await ledger.database.read(lambda c: c.execute(t.lookers.select()).first()) is None

    live.leave(await glance("Anna"))
    await until(nobody_looks, "she is not there any more")
    live.leave(watched)
    await glance("Anna at home")
    await live.close()
    assert await nobody_looks()


async def test_everybody_hears_what_concerns_them(ledger: Ledger, live: Live) -> None:
    """A case, its owner's day, the review and the flow: what happens elsewhere is no word."""
    reference, owner = await a_case(ledger)
    one = await listen(live, "Anna", Topic(Page.CASE, reference))
    mine = await listen(live, "Anna", Topic(Page.DAY, owner))
    theirs = await listen(live, "Marco", DAY)
    review, flow = await listen(live, "Marco", REVIEW), await listen(live, "Marco", FLOW)
    await live.look()
    assert await heard(one, mine, theirs, review, flow) == [False, False, False, False, False]
    await a_case(ledger)
    await live.look()
    assert await heard(one, mine, theirs, review, flow) == [False, True, False, False, True]
    await a_case(ledger, CaseKind.REVIEW)
    await live.look()
    assert await heard(one, mine, theirs, review, flow) == [False, True, False, True, True]
    await ledger.database.write(
        lambda c: c.execute(
            t.case_events.insert().from_select(
                ["id", "case_id", "at", "kind", "actor", "detail"],
                t.case_events.select()
                .join(t.cases, t.cases.c.id == t.case_events.c.case_id)
                .where(t.cases.c.reference == reference)
                .with_only_columns(
                    t.cases.c.customer_id, t.case_events.c.case_id, t.case_events.c.at,
                    t.cases.c.status, t.case_events.c.actor, t.case_events.c.detail,
                ),
            )
        )
    )  # fmt: skip
    await live.look()
    assert await heard(one, mine, theirs, review, flow) == [True, True, False, False, True]
    await ledger.accept()
    await live.look()
    assert await heard(one, mine, theirs, review, flow) == [False, False, False, False, True]


async def test_people_come_and_go(ledger: Ledger, live: Live) -> None:
    """Whoever opens a case is seen by the others, is kept in mind while it is open, and is gone with it."""
    reference, _ = await a_case(ledger)
    topic = Topic(Page.CASE, reference)

    async def seen() -> list[str]:
        now = ledger.clock.now()
        return await ledger.database.read(lambda c: also_looking(c, reference, PersonId("nobody"), now))

    anna = await listen(live, "Anna", topic)
    marco = await listen(live, "Marco", topic)
    assert await seen() == ["Anna", "Marco"]
    assert await heard(anna) == [True]
    for _ in range(4):
        await ledger.clock.advance(timedelta(seconds=KEEP_S))
        await live.look()
    assert (await seen(), await heard(anna, marco)) == (["Anna", "Marco"], [False, False])
    live.leave(marco)
    await until(lambda: anna.changed(0.001), "Anna hears that Marco went")
    assert await seen() == ["Anna"]


async def test_a_stream_ends_with_its_session(ledger: Ledger, live: Live) -> None:
    """Whoever signs out at one place hears nothing more there, and everything at the other."""
    here, there = await listen(live, "Anna", FLOW), await listen(live, "Anna at home", FLOW)
    await ledger.database.write(lambda c: end_session(c, "Anna"))
    await live.look()
    assert (here.is_over, there.is_over) == (True, False)
    await ledger.clock.advance(timedelta(hours=2))
    await live.look()
    assert there.is_over


async def test_there_is_room_for_few_streams(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session has four, and the desk has a bound: whoever comes after asks by a clock."""
    for _ in range(MOST_OF_ONE_SESSION):
        assert live.enter("Anna", FLOW) is not None
    assert live.enter("Anna", FLOW) is None
    monkeypatch.setattr("services.desk.live.MOST_STREAMS", MOST_OF_ONE_SESSION + 1)
    last = live.enter("Marco", FLOW)
    assert last is not None
    assert live.enter("Marco", FLOW) is None
    live.leave(last)
    assert live.enter("Marco", FLOW) is not None


async def test_the_task_ends_with_the_last_page(live: Live) -> None:
    """Nobody looks for nobody; the next page begins anew; the end of the desk ends everything, and nobody enters."""
    listener = await listen(live, "Anna", Topic(Page.CASE, "IT-1"))
    assert live.is_watching
    live.leave(listener)
    await until(lambda: not live.is_watching, "the task ends")
    last = await listen(live, "Anna", DAY)
    await live.close()
    assert (last.is_over, live.is_watching, live.count, live.enter("Anna", DAY)) == (True, False, 0, None)


async def test_a_ledger_that_is_away_costs_no_stream(ledger: Ledger) -> None:
    """Nobody hears anything until it is back."""
    database = Leaving(ledger.database)
    live = Live(database, ledger.clock, tick_s=0.01)
    listener = await listen(live, "Anna", FLOW)
    database.is_away = True
    await until(lambda: database.refused > 0, "a look met the ledger that is away")
    await ledger.accept()
    assert await heard(listener) == [False]
    database.is_away = False
    assert await listener.changed(30)
    await live.close()


async def test_a_ledger_that_hangs_does_not_keep_the_desk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end nobody waits for it longer than for a last look."""
    monkeypatch.setattr("services.desk.live.LAST_LOOK_S", 0.01)
    database = Leaving(ledger.database)
    database.answers.clear()
    live = Live(database, ledger.clock, NEVER_S)
    listener = live.enter("Anna", FLOW)
    await live.close()
    assert listener is not None
    assert (listener.is_over, live.is_watching) == (True, False)


async def test_who_does_not_listen_holds_one_flag() -> None:
    """A thousand changes are one word."""
    listener = Listener("Anna", FLOW)
    for _ in range(1000):
        listener.wake()
    assert await heard(listener) == [True]
    assert await heard(listener) == [False]


async def test_who_takes_nothing_is_cut_off(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that takes no byte is let go; what was meant for it is nowhere."""
    monkeypatch.setattr(stream, "SLOWEST_S", 0.01)
    stuck = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await stuck.wait()

    async def receive() -> Message:
        await stuck.wait()
        return {"type": "http.disconnect"}

    await stream.LiveStream(live, "Anna", FLOW)({"type": "http"}, receive, send)
    assert live.count == 0


async def test_a_stream_says_that_it_lives_and_what_changed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment while nothing happens, a word when something does, and an end with the page."""
    monkeypatch.setattr(stream, "BEAT_S", 0.01)
    said: list[bytes] = []
    gone = asyncio.Event()

    async def send(message: Message) -> None:
        said.append(message.get("body", b""))

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    topic = Topic(Page.CASE, "IT-1")
    running = asyncio.ensure_future(stream.LiveStream(live, "Anna", topic)({"type": "http"}, receive, send))
    await until(lambda: said.count(b":\n\n") > 1 and b"data: changed\n\n" in said, "it lives, and says so")
    assert said.count(b"data: changed\n\n") == 1
    gone.set()
    await running
    assert (said[-1], live.count) == (b"", 0)
