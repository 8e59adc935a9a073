"""What every database must do for the alarm about drift: give the right scores, keep the alarms that stand."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from itaca.cases.drift import Drift, Score
from itaca.contracts.ids import uuid7
from itaca.contracts.intents import Intent
from itaca.storage import drift
from itaca.storage import tables as t
from tests.support.case_facts import judgement
from tests.support.routed import Desk


async def read(desk: Desk, score: float, model: str = "model-1", **step: float) -> None:
    """Keep a reading of one more mail, some time after the last."""
    await desk.pass_time(**(step or {"seconds": 1}))
    mail_id = await desk.take()
    judged = judgement("N", "N" if score < 0.5 else "Y")
    judged = judged.model_copy(update={"scores": {**judged.scores, Intent.COMPLAINT: score}, "language": "it"})
    row = {"mail_id": mail_id, "model": model, "read_at": 0, "judgement": judged.model_dump(mode="json")}
    await desk.ledger.database.write(lambda c: c.execute(insert(t.readings).values(**row)))


async def samples(desk: Desk) -> tuple[list[Score], list[Score]]:
    now = desk.now
    return await desk.ledger.database.read(lambda c: drift.score_samples(c, now))


class DriftContract:
    """Scores and alarms."""

    async def test_the_first_scores_and_the_newest(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of the model at work alone, without overlap, and of the last week alone."""
        monkeypatch.setattr(drift, "MOST", 2)
        assert await samples(desk) == ([], [])
        await read(desk, 0.99, model="model-0")
        for score in (0.1, 0.2):
            await read(desk, score)
        assert [[s.value for s in part] for part in await samples(desk)] == [[0.1, 0.2], []]
        await read(desk, 0.3)
        await read(desk, 0.4, days=8)
        assert [[s.value for s in part] for part in await samples(desk)] == [[0.1, 0.2], [0.4]]
        await read(desk, 0.6)
        await read(desk, 0.7)
        first, newest = await samples(desk)
        assert first == [Score("it", 0.1, True), Score("it", 0.2, True)]
        assert newest == [Score("it", 0.7, False), Score("it", 0.6, False)]

    async def test_exactly_the_alarms_that_stand_are_kept(self, desk: Desk) -> None:
        """New ones come, old ones go, and none at all is a state as well."""
        database, now = desk.ledger.database, desk.now
        for alarms in ([Drift("it", 0.4, 0.02), Drift("all", 0.3, 0.02)], [Drift("it", 0.5, 0.01)], []):
            await database.write(lambda c, alarms=alarms: drift.keep_alarms(c, alarms, now))
            kept = await database.read(drift.standing_alarms)
            assert kept == {one.language: one.review_above for one in alarms}

    async def test_ids_sort_by_the_moment_they_begin_with(self, desk: Desk) -> None:
        """The bound of the last week lies between the ids of the mails around it."""
        now, rng = desk.now, desk.ledger.rng
        before, after = uuid7(now - timedelta(milliseconds=1), rng), uuid7(now, rng)
        assert before < drift._first_id(now) < after
