"""The watch forgets what was kept long enough, once an hour, and nothing unless it is told to."""

import pytest

from itaca.storage import tables as t
from services.watch.retention import Retention
from services.watch.settings import WatchSettings
from tests.support.routed import COMPLAINT, NOTHING, Desk


def retention(desk: Desk, **days: int) -> Retention:
    ledger = desk.ledger
    return Retention(ledger.database, ledger.clock, ledger.rng, WatchSettings(**days))


@pytest.mark.parametrize(("days", "left"), [(0, 3), (30, 2)])
async def test_old_mail_is_forgotten_only_if_somebody_said_so(desk: Desk, days: int, left: int) -> None:
    """By default everything is kept for ever; the mail of a case is kept in any way."""
    for judged in (NOTHING, COMPLAINT):
        await desk.settle(judged)
    await desk.pass_time(days=31)
    await desk.settle(NOTHING)
    await retention(desk, retain_noted_days=days).run()
    assert len(await desk.rows(t.raw_mails)) == left
    stones = await desk.rows(t.erasures)
    assert [(row.kind, row.by, row.reason) for row in stones] == [
        ("noted", "watch", "kept for 30 days, as the settings say")
    ][: 3 - left]


async def test_it_looks_once_an_hour(desk: Desk) -> None:
    """Between two looks nothing is asked of the ledger, whatever has grown old meanwhile."""
    duty = retention(desk, retain_noted_days=1, retain_closed_days=1)
    await duty.run()
    await desk.settle(NOTHING)
    await desk.pass_time(minutes=50)
    await duty.run()
    assert await desk.rows(t.erasures) == []
    await desk.pass_time(days=2)
    await duty.run()
    assert await desk.rows(t.raw_mails) == []
