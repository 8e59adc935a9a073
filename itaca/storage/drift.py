"""Complaint scores as the readings hold them, and the alarms about their drift."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from itaca.cases.drift import Drift, Score
from itaca.contracts.intents import Intent, Verdict
from itaca.storage.moments import to_micros
from itaca.storage.tables import drift_alarms, readings

RECENT = timedelta(days=7)
MOST = 2_000
"""Scores read of either sample, at most: reading them costs the same in the largest ledger."""


def score_samples(conn: Connection, now: datetime) -> tuple[list[Score], list[Score]]:
    """Return the first scores of the model now at work, and its newest of the last seven days beyond those.

    A mail's id begins with its time of acceptance (RFC 9562, 5.7), so that both are pieces of one index.
    """
    model = conn.execute(select(readings.c.model).order_by(readings.c.mail_id.desc()).limit(1)).scalar()
    if model is None:
        return [], []
    own = _scores().where(readings.c.model == model)
    first = conn.execute(own.order_by(readings.c.mail_id).limit(MOST)).all()
    after = max(first[-1].mail_id, _first_id(now - RECENT))
    newest = own.where(readings.c.mail_id > after).order_by(readings.c.mail_id.desc()).limit(MOST)
    return _read(first), _read(conn.execute(newest))


def keep_alarms(conn: Connection, alarms: Sequence[Drift], now: datetime) -> None:
    """Let exactly these alarms stand."""
    conn.execute(delete(drift_alarms))
    rows = [
        {"language": a.language, "drift": a.index, "review_above": a.review_above, "raised_at": to_micros(now)}
        for a in alarms
    ]
    if rows:
        conn.execute(insert(drift_alarms), rows)


def standing_alarms(conn: Connection) -> dict[str, float]:
    """Return, for each language with an alarm or ``all``, the score from which a "no complaint" is not believed."""
    return {language: review_above for language, review_above in conn.execute(_alarms())}


@cache
def _alarms() -> Select[Any]:
    """Every batch of the router asks this; built once, as building takes longer than running."""
    return select(drift_alarms.c.language, drift_alarms.c.review_above)


def _scores() -> Select[str, float, str, str]:
    """Select single values of the judgements: spans and texts of reasons stay in the database."""
    judgement, complaint = readings.c.judgement, Intent.COMPLAINT.value
    return select(
        readings.c.mail_id,
        judgement[("scores", complaint)].as_float().label("score"),
        func.coalesce(judgement["language"].as_string(), "").label("language"),
        judgement[("verdicts", complaint)].as_string().label("verdict"),
    )


def _read(rows: Iterable[Row[str, float, str, str]]) -> list[Score]:
    return [Score(row.language, row.score, row.verdict == Verdict.NO.value) for row in rows if row.score is not None]


def _first_id(moment: datetime) -> str:
    """Return what every id of a mail accepted from then on is greater than."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"
