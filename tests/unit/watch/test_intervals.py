"""Duties that are done once a minute or an hour, whatever happens to the time of day."""

from datetime import timedelta

import pytest

from itaca.errors import TransientError
from itaca.observability.metrics import Metrics
from services.watch.audit import AuditFigures
from services.watch.drift import DriftAlarm
from services.watch.retention import Retention
from services.watch.settings import WatchSettings
from tests.support.case_facts import NOW
from tests.support.clocks import CorrectedClock
from tests.support.routed import Desk
from tests.support.watched import FlakyDatabase


@pytest.mark.parametrize("name", ["audit", "drift", "retention"])
async def test_a_clock_that_is_set_back_stops_no_duty(desk: Desk, name: str) -> None:
    """An interval is counted by what has passed: else the figures would stand still for a year."""
    clock, database, metrics = CorrectedClock(NOW), FlakyDatabase(desk.ledger.database), Metrics()
    settings = WatchSettings(retain_noted_days=9999)
    duty = {
        "audit": AuditFigures(database, clock, metrics),
        "drift": DriftAlarm(database, clock, metrics),
        "retention": Retention(database, clock, desk.ledger.rng, settings),
    }[name]
    await duty.run()
    clock.ahead = timedelta(0)
    await clock.advance(timedelta(minutes=61))
    database.refuses = 1
    with pytest.raises(TransientError):
        await duty.run()
