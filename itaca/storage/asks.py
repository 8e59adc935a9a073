"""The question check: what a customer asked, and what became of each before the matter may be closed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, insert, select, update

from itaca.cases.cues import fold
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import Intent, Verdict
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.conditions import is_open_ask
from itaca.storage.entries import Entries
from itaca.storage.moments import from_micros

_MOST_MAILS = 50


class AskState(StrEnum):
    """``TICKED``: answered, or seen to be none. ``PROMISED``: by a date. ``VOID``: the case was no matter."""

    OPEN = "open"
    TICKED = "ticked"
    PROMISED = "promised"
    VOID = "void"


@dataclass(frozen=True)
class Ask:
    """One thing that a customer asked, in the customer's words; ``how`` and ``by`` say what became of it."""

    id: str
    mail_id: MailId | None
    asked_at: datetime
    says: str
    state: AskState
    how: str
    by: str


@dataclass(frozen=True)
class QuestionCheck:
    """What stands before the end of a matter: asks that are open, and intents of its mails that have no case."""

    asks: Sequence[Ask]
    intents: Sequence[Intent]

    @property
    def may_close(self) -> bool:
        return not self.asks


def question_check(conn: Connection, case_id: CaseId) -> QuestionCheck:
    """Return what must be ticked or promised before an answer closes this case.

    What was asked twice in the same words is listed once; ticking it ticks both.
    """
    seen: dict[str, Ask] = {}
    for ask in asks_of(conn, case_id):
        if ask.state is AskState.OPEN:
            seen.setdefault(fold(ask.says), ask)
    return QuestionCheck(list(seen.values()), _intents(conn, case_id))


def asks_of(conn: Connection, case_id: CaseId) -> list[Ask]:
    """Return everything that was asked in a case, in the order of asking."""
    asks = tables.asks
    return [_ask(row) for row in conn.execute(select(asks).where(asks.c.case_id == case_id).order_by(asks.c.id))]


def has_open_asks(conn: Connection, case_id: CaseId) -> bool:
    """Say whether something is asked in this case that nobody has answered or promised."""
    asks = tables.asks
    return bool(conn.scalar(select(exists().where(asks.c.case_id == case_id).where(is_open_ask()))))


def add_ask(conn: Connection, case_id: CaseId, says: str, now: datetime, rng: random.Random, actor: str) -> str:
    """Note what the customer asked and the machine did not see: on the phone, in a picture; return its id.

    Raises:
        PermanentError: nothing is asked.
    """
    if not says.strip():
        raise PermanentError("an ask says what is asked")
    entries = Entries(now, rng, actor)
    ask_id = entries.new_id()
    row = {"id": ask_id, "case_id": case_id, "asked_at": entries.at, "says": says.strip()}
    conn.execute(insert(tables.asks).values(row))
    entries.event(case_id, "ask_added", None, {"says": says.strip()})
    entries.write(conn)
    return ask_id


def tick(
    conn: Connection,
    case_id: CaseId,
    ask_ids: Sequence[str],
    how: str,
    now: datetime,
    rng: random.Random,
    actor: str,
    *,
    state: AskState = AskState.TICKED,
) -> int:
    """Say of these asks how they were answered, or by what they are promised; return how many were open.

    Args:
        how: where the answer stands ("refund of 12 March, answer of today"), or why it is no ask.
        state: ``PROMISED`` where an open promise of this case covers them.

    Raises:
        PermanentError: nobody says how; something is promised in a case that promises nothing.
    """
    if not how.strip():
        raise PermanentError("say how the question was answered, or why it is none")
    if state is AskState.PROMISED and not _promises(conn, case_id):
        raise PermanentError("nothing is promised in this case: promise a date first")
    asks = tables.asks
    rows = conn.execute(select(asks.c.id, asks.c.says).where(asks.c.case_id == case_id).where(is_open_ask())).all()
    words = {fold(row.says) for row in rows if row.id in set(ask_ids)}
    meant = [row.id for row in rows if fold(row.says) in words]
    if not meant:
        return 0
    entries = Entries(now, rng, actor)
    _end(conn, meant, state, how.strip(), entries)
    entries.event(case_id, f"asks_{state.value}", None, {"how": how.strip(), "count": len(meant)})
    entries.write(conn)
    return len(meant)


def tick_all(conn: Connection, case_id: CaseId, how: str, now: datetime, rng: random.Random, actor: str) -> int:
    """Say of every open ask of a case that one thing answers it."""
    ids = [ask.id for ask in asks_of(conn, case_id) if ask.state is AskState.OPEN]
    return tick(conn, case_id, ids, how, now, rng, actor) if ids else 0


def refuse_open_asks(conn: Connection, entries: Entries, case_id: CaseId, is_none: bool) -> None:
    """Refuse the end of a case in which something is still asked; a case that was none takes its asks with it.

    The database refuses it as well; this says it in words.

    Raises:
        PermanentError: how many asks are open.
    """
    ids = conn.scalars(_open_asks(), {"case_id": case_id}).all()
    if ids and not is_none:
        raise PermanentError(f"asks of the customer that are still open: {len(ids)}; tick or promise each of them")
    if ids:
        _end(conn, ids, AskState.VOID, "the case was no matter", entries)


@cache
def _open_asks() -> Select[Any]:
    """Every end of a case asks this; built once, as building takes longer than running."""
    asks = tables.asks
    return select(asks.c.id).where(asks.c.case_id == bindparam("case_id")).where(is_open_ask())


def carry_asks(conn: Connection, from_case: CaseId, to_case: CaseId) -> int:
    """Move the open asks of a case that is merged to the one that remains; return how many."""
    asks = tables.asks
    mine = update(asks).where(asks.c.case_id == from_case).where(is_open_ask())
    return conn.execute(mine.values(case_id=to_case)).rowcount


def _end(conn: Connection, ids: Sequence[str], state: AskState, how: str, entries: Entries) -> None:
    asks = tables.asks
    ended = {"state": state.value, "ended_at": entries.at, "ended_by": entries.actor, "how": how}
    conn.execute(update(asks).where(asks.c.id.in_(ids)).values(ended))


def _promises(conn: Connection, case_id: CaseId) -> bool:
    promises = tables.promises
    return bool(conn.scalar(select(exists().where(promises.c.case_id == case_id, promises.c.state == "open"))))


def _intents(conn: Connection, case_id: CaseId) -> list[Intent]:
    """Return the intents of the case's newest mails that no case of any of these mails is about."""
    links, readings, cases = tables.case_mails, tables.readings, tables.cases
    mine = select(links.c.mail_id).where(links.c.case_id == case_id, links.c.role.in_(("opened", "appended")))
    mail_ids = conn.scalars(mine.order_by(links.c.mail_id.desc()).limit(_MOST_MAILS)).all()
    judged = conn.scalars(select(readings.c.judgement).where(readings.c.mail_id.in_(mail_ids))).all()
    wanted = {intent for one in judged for intent in _meant(Judgement.model_validate(one))}
    joined = select(cases.c.kind).join(links, links.c.case_id == cases.c.id)
    kinds = set(conn.scalars(joined.where(links.c.mail_id.in_(mail_ids), links.c.role.in_(("opened", "appended")))))
    return [intent for intent in Intent if intent in wanted and intent.value not in kinds]


def _meant(judgement: Judgement) -> list[Intent]:
    return [intent for intent, verdict in judgement.verdicts.items() if verdict is not Verdict.NO]


def _ask(row: Row[Any]) -> Ask:
    return Ask(
        row.id,
        MailId(row.mail_id) if row.mail_id else None,
        from_micros(row.asked_at),
        row.says,
        AskState(row.state),
        row.how or "",
        row.ended_by or "",
    )
