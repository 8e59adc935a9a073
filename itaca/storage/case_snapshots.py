"""How a case stood before an act, by ids, dates and states, and how it is made to stand so again.

No words of customers are kept, and nothing of the history is touched: an act that is taken back stays written there.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from itaca.contracts.ids import CaseId, MailId
from itaca.errors import PermanentError
from itaca.storage.case_links import link, mails_of, unlink
from itaca.storage.conditions import is_open_ask, is_open_promise, is_parked, is_running_clock
from itaca.storage.entries import Entries
from itaca.storage.moments import NEVER
from itaca.storage.tables import (
    acknowledgements,
    asks,
    cancellations,
    cases,
    interactions,
    labels,
    legal_clocks,
    mergers,
    outbox,
    parkings,
    promises,
)

_CASE = ("owner_id", "matter", "severity", "level", "contacts", "status", "outcome", "closed_at")
SAME_MATTER = "another case on the same matter was opened meanwhile"


def snapshot(conn: Connection, case_id: CaseId) -> dict[str, Any]:
    """Return how a case stands, as JSON can hold it."""
    row = conn.execute(select(cases).where(cases.c.id == case_id)).one()
    links = mails_of(conn, case_id)
    said = select(interactions.c.id).where(interactions.c.customer_id == row.customer_id)
    open_promises = conn.execute(_of(promises, case_id).where(is_open_promise())).all()
    days = conn.scalars(select(acknowledgements.c.day).where(acknowledgements.c.case_id == case_id))
    ended = conn.execute(_of(cancellations, case_id)).one_or_none()
    return {
        "case": {name: row._mapping[name] for name in _CASE},
        "promises": {one.id: one.due_at for one in open_promises},
        "asks": _ids(conn, asks, case_id, is_open_ask()),
        "clocks": _ids(conn, legal_clocks, case_id, is_running_clock()),
        "parkings": _ids(conn, parkings, case_id, is_parked()),
        "cancellation": None if ended is None else {k: v for k, v in ended._mapping.items() if k != "case_id"},
        "mails": dict(links),
        "labels": list(conn.scalars(select(labels.c.id).where(labels.c.mail_id.in_(list(links))))),
        "interactions": list(conn.scalars(said.where(interactions.c.case_id == case_id))),
        "letters": _ids(conn, outbox, case_id),
        "acknowledged": [day.isoformat() for day in days],
        "mergers": list(conn.scalars(select(mergers.c.case_id).where(mergers.c.into_id == case_id))),
    }


def restore(conn: Connection, case_id: CaseId, before: Mapping[str, Any], entries: Entries) -> None:
    """Let a case stand as it did; letters that the act wrote are the caller's to take back first.

    Raises:
        PermanentError: another case has taken its place.
    """
    _restore_promises(conn, case_id, before["promises"])
    _restore_asks(conn, case_id, before["asks"])
    void_clocks(conn, case_id, before["clocks"], entries)
    running = legal_clocks.c.id.in_(before["clocks"])
    conn.execute(update(legal_clocks).where(running).values(state="running", ended_at=None))
    if before["parkings"]:
        conn.execute(update(parkings).where(parkings.c.id.in_(before["parkings"])).values(resumed_at=None))
    if before["cancellation"] is not None:
        mine = update(cancellations).where(cancellations.c.case_id == case_id)
        conn.execute(mine.values(before["cancellation"]))
    _restore_mails(conn, case_id, before, entries)
    _restore_mergers(conn, case_id, before["mergers"])
    _restore_case(conn, case_id, before["case"])


def void_clocks(conn: Connection, case_id: CaseId, but: Collection[str], entries: Entries) -> None:
    """Void the running legal clocks of a case except these: none is ever deleted."""
    others = (legal_clocks.c.case_id == case_id) & legal_clocks.c.id.not_in(but)
    ended = update(legal_clocks).where(others).where(is_running_clock())
    conn.execute(ended.values(state="void", ended_at=entries.at))


def _restore_case(conn: Connection, case_id: CaseId, before: Mapping[str, Any]) -> None:
    row = conn.execute(select(cases).where(cases.c.id == case_id)).one()
    if before["status"] == "open":
        same = (cases.c.customer_id == row.customer_id) & (cases.c.kind == row.kind)
        same &= (cases.c.matter == before["matter"]) & (cases.c.status == "open") & (cases.c.id != case_id)
        if conn.scalar(select(cases.c.id).where(same).limit(1)) is not None:
            raise PermanentError(SAME_MATTER)
    conn.execute(update(cases).where(cases.c.id == case_id).values(before))


def _restore_promises(conn: Connection, case_id: CaseId, before: Mapping[str, int]) -> None:
    """Promises that the act made go: nobody was told of them, or their letter was taken back with it."""
    new = promises.c.id.not_in(list(before))
    conn.execute(delete(promises).where(promises.c.case_id == case_id, new).where(is_open_promise()))
    conn.execute(update(cases).where(cases.c.id == case_id).values(breaks_at=min(before.values(), default=NEVER)))
    for promise_id, due_at in before.items():
        again = {"case_id": case_id, "state": "open", "due_at": due_at, "ended_at": None, "evidence": None}
        conn.execute(update(promises).where(promises.c.id == promise_id).values(again))


def _restore_asks(conn: Connection, case_id: CaseId, before: Collection[str]) -> None:
    again = {"case_id": case_id, "state": "open", "ended_at": None, "ended_by": None, "how": None}
    conn.execute(update(asks).where(asks.c.id.in_(before)).values(again))


def _restore_mails(conn: Connection, case_id: CaseId, before: Mapping[str, Any], entries: Entries) -> None:
    """Labels that others gave meanwhile, or in the blind check, stay: they are no part of the act."""
    links = {MailId(mail_id): role for mail_id, role in before["mails"].items()}
    unlink(conn, case_id, [mail_id for mail_id in mails_of(conn, case_id) if mail_id not in links])
    link(conn, case_id, links.items())
    new = labels.c.id.not_in(before["labels"]) & (labels.c.person_id == entries.actor) & ~labels.c.is_blind
    conn.execute(delete(labels).where(labels.c.mail_id.in_(list(links)), new))
    moved = interactions.c.id.in_(before["interactions"])
    conn.execute(update(interactions).where(moved).values(case_id=case_id))
    days = [date.fromisoformat(day) for day in before["acknowledged"]]
    mine = delete(acknowledgements).where(acknowledgements.c.case_id == case_id)
    conn.execute(mine.where(acknowledgements.c.day.not_in(days)))


def _restore_mergers(conn: Connection, case_id: CaseId, before: Collection[str]) -> None:
    conn.execute(update(mergers).where(mergers.c.case_id.in_(before)).values(into_id=case_id))
    conn.execute(delete(mergers).where(mergers.c.into_id == case_id, mergers.c.case_id.not_in(before)))


def _of(table: Table, case_id: CaseId) -> Any:
    return select(table).where(table.c.case_id == case_id)


def _ids(conn: Connection, table: Table, case_id: CaseId, *conditions: Any) -> list[str]:
    return list(conn.scalars(select(table.c.id).where(table.c.case_id == case_id, *conditions)))
