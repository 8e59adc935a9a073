"""The watch follows cancellations: watched from their effect, closed at the end of their watch."""

import random
from datetime import timedelta
from pathlib import Path

from itaca.broker.memory import MemoryBroker
from itaca.contracts.ids import CaseReference
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.confirmations import Effect, confirm_effect
from services.watch.app import build
from services.watch.settings import WatchSettings
from tests.support.routed import CANCELLATION, POLICY, Desk


async def test_a_cancellation_is_followed_to_its_end(desk: Desk, tmp_path: Path) -> None:
    """More of them than one transaction takes: a round leaves none behind."""
    for number in range(3):
        await desk.settle(CANCELLATION, sender=f"c{number}@posta.example")
    now, rng, later = desk.now, desk.ledger.rng, desk.now + timedelta(days=5)
    for case in await desk.cases():
        effect, reference = Effect(later, "order 7", "billing"), CaseReference(case.reference)
        await desk.ledger.database.write(
            lambda c, r=reference, e=effect: confirm_effect(c, r, e, now, POLICY, rng, "api:billing")
        )
    shared = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
    clock = desk.ledger.clock
    parts = Parts(shared, desk.ledger.database, MemoryBroker(clock, random.Random(1)), clock, rng, Metrics())
    stage = build(parts, WatchSettings())
    seen = []
    for days in (0, 5, 130):
        await desk.pass_time(days=days, seconds=1)
        await stage.follow_cancellations()
        seen.append({row.state for row in await desk.rows(t.cancellations)})
    assert seen == [{"effected"}, {"watched"}, {"closed"}]
