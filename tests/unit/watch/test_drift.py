"""From scores that move to mail that a person reads: the watch raises the alarm, the router obeys it."""

import random

from sqlalchemy import insert

from itaca.contracts.codec import encode
from itaca.contracts.events import Judgement, MailClassified
from itaca.contracts.intents import Intent
from itaca.observability.metrics import Metrics
from itaca.storage import tables as t
from services.router.handler import Router
from services.watch.drift import DriftAlarm
from tests.support.case_facts import judgement, mail_text
from tests.support.routed import POLICY, Desk


def scored(score: float) -> Judgement:
    """Return a judgement without intents, with this complaint score."""
    made = judgement()
    return made.model_copy(update={"scores": {**made.scores, Intent.COMPLAINT: score}, "language": "it"})


async def readings(desk: Desk, count: int, power: float) -> None:
    """Keep readings of as many mails, of which a smaller power makes the model less sure."""
    rng, rows = random.Random(count), []
    for _ in range(count):
        await desk.pass_time(seconds=1)
        judged = scored(0.04 * rng.random() ** power).model_dump(mode="json")
        rows.append({"mail_id": await desk.take(), "model": "model-1", "read_at": 0, "judgement": judged})
    await desk.ledger.database.write(lambda c: c.execute(insert(t.readings), rows))


async def settle(desk: Desk, router: Router, score: float) -> str:
    """Let the router decide about one mail and return its outcome."""
    await desk.pass_time(seconds=61)
    mail_id = await desk.take(mail_text(sender=f"c{score}@posta.example"))
    await router.handle([encode(MailClassified(mail_id=mail_id, judgement=scored(score)))])
    (mail,) = await desk.rows(t.mails, id=mail_id)
    return str(mail.outcome)


async def test_drift_widens_review_until_it_is_over(desk: Desk, monkeypatch) -> None:
    """Near things go to a person while the alarm stands, and the reading is kept as the model gave it."""
    monkeypatch.setattr("itaca.storage.drift.MOST", 500)
    metrics, clock, database = Metrics(), desk.ledger.clock, desk.ledger.database
    watch, router = DriftAlarm(database, clock, metrics), Router(database, clock, random.Random(3), POLICY, metrics)
    await readings(desk, 500, power=6.0)
    await watch.run()
    assert await settle(desk, router, 0.035) == "noted"
    await readings(desk, 501, power=1.0)
    await watch.run()
    assert await settle(desk, router, 0.034) == "noted", "the alarm is looked for once an hour"
    await desk.pass_time(hours=1)
    await watch.run()
    value = metrics.registry.get_sample_value
    assert (value("itaca_score_drift", {"language": "all"}) or 0) > 0.25
    assert await settle(desk, router, 0.033) == "review"
    assert await settle(desk, router, 0.01) == "noted"
    (case,) = await desk.cases()
    (reading,) = await desk.rows(t.readings, mail_id=case.opened_by)
    assert reading.judgement["review_reasons"] == []
    await desk.pass_time(days=8)
    await watch.run()
    assert value("itaca_score_drift", {"language": "all"}) is None
    assert await settle(desk, router, 0.032) == "noted"
