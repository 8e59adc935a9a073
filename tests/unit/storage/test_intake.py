"""Group commit when the database fails or callers go away."""

import asyncio
import random
from typing import Any

import pytest

from itaca.clock import ManualClock
from itaca.errors import TransientError
from itaca.storage.database import Database, Work
from itaca.storage.intake import Intake
from itaca.storage.mails import load_mails
from itaca.storage.open import open_database
from tests.support.ledger import ENVELOPE, NOW


class FailingDatabase:
    """A real ledger in memory whose next writes fail as told; ``gate`` holds every write until it is set."""

    dialect = "sqlite"

    def __init__(self, real: Database) -> None:
        self.real = real
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.writes = 0

    async def write(self, work: Work[Any]) -> Any:
        self.writes += 1
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return await self.real.write(work)

    async def read(self, work: Work[Any]) -> Any:
        return await self.real.read(work)

    async def close(self) -> None:
        await self.real.close()


@pytest.fixture
async def database():
    """Give a ledger in memory that can be told to fail."""
    opened = FailingDatabase(await open_database("sqlite://"))
    yield opened
    await opened.close()


@pytest.fixture
def intake(database: FailingDatabase) -> Intake:
    """Give the door to that ledger."""
    return Intake(database, ManualClock(NOW), random.Random(1))


async def test_a_failed_group_is_transient_for_each(database: FailingDatabase, intake: Intake) -> None:
    """Everybody in the group hears again later, by an error of their own, and can offer the mail again."""
    database.failures = [TransientError("away")]
    offers = [intake.accept(ENVELOPE, b"%d" % n, "c") for n in range(3)]
    errors = await asyncio.gather(*offers, return_exceptions=True)
    assert [str(error) for error in errors] == ["away"] * 3
    assert len({id(error) for error in errors}) == 3
    again = await asyncio.gather(*(intake.accept(ENVELOPE, b"%d" % n, "c") for n in range(3)))
    assert not any(answer.is_duplicate for answer in again)


async def test_l14_a_caller_that_goes_away_cancels_nobody(database: FailingDatabase, intake: Intake) -> None:
    """L14: one cancelled caller leaves the others of its group, and its own mail, to be committed."""
    database.gate.clear()
    tasks = [asyncio.ensure_future(intake.accept(ENVELOPE, b"%d" % n, "c")) for n in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    database.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [False, True, False, False]
    assert (await intake.accept(ENVELOPE, b"1", "c")).is_duplicate


async def test_those_who_come_during_a_commit_share_the_next(database: FailingDatabase, intake: Intake) -> None:
    """While one commit runs all others wait together, and one more transaction serves them."""
    database.gate.clear()
    first = asyncio.ensure_future(intake.accept(ENVELOPE, b"first", "c"))
    while not database.writes:
        await asyncio.sleep(0)
    rest = [asyncio.ensure_future(intake.accept(ENVELOPE, b"%d" % n, "c")) for n in range(50)]
    await asyncio.sleep(0)
    database.gate.set()
    answers = await asyncio.gather(first, *rest)
    assert database.writes == 2
    found = await database.read(lambda c: load_mails(c, [answer.mail_id for answer in answers]))
    assert len(found) == 51


async def test_an_unforeseen_error_leaves_nobody_waiting(database: FailingDatabase, intake: Intake) -> None:
    """A bug below ends in again-later for the group and for those behind it, and the next mail is taken."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    database.failures = [RuntimeError("a bug")]
    database.gate.clear()
    first = asyncio.ensure_future(intake.accept(ENVELOPE, b"first", "c"))
    while not database.writes:
        await asyncio.sleep(0)
    second = asyncio.ensure_future(intake.accept(ENVELOPE, b"second", "c"))
    await asyncio.sleep(0)
    database.gate.set()
    for task in (first, second):
        with pytest.raises(TransientError):
            await asyncio.wait_for(task, 30)
    assert not (await intake.accept(ENVELOPE, b"first", "c")).is_duplicate


async def test_close_waits_for_what_was_offered(database: FailingDatabase, intake: Intake) -> None:
    """After close everything that was offered is decided, and closing an idle door returns at once."""
    await intake.close()
    offer = asyncio.ensure_future(intake.accept(ENVELOPE, b"last", "c"))
    await asyncio.sleep(0)
    await intake.close()
    assert (await asyncio.wait_for(offer, 30)).is_duplicate is False
