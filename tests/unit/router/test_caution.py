"""What the router knows of alarms about drift."""

from datetime import timedelta

from itaca.cases.drift import ALL, Drift
from itaca.storage.drift import keep_alarms
from services.router.caution import Caution
from tests.support.case_facts import NOW, facts, judgement
from tests.support.clocks import CorrectedClock
from tests.support.ledger import open_ledger


async def test_alarms_are_read_again_after_the_clock_was_set_back() -> None:
    """A minute is a minute: else a "no" that was a near thing would be believed for a year."""
    clock, mail = CorrectedClock(NOW), facts(judgement())
    async with open_ledger("sqlite://") as ledger:
        caution = Caution(ledger.database, clock)
        await caution.refresh()
        clock.ahead = timedelta(0)
        await ledger.database.write(lambda c: keep_alarms(c, [Drift(ALL, 0.9, 0.05)], NOW))
        await clock.advance(timedelta(seconds=59))
        await caution.refresh()
        assert caution.applied(mail) == mail
        await clock.advance(timedelta(seconds=1))
        await caution.refresh()
    doubted = caution.applied(mail).judgement
    assert doubted is not None
    assert doubted.needs_review
