"""A ledger of many cases to measure on: the rows of a real one, copied, with what grows large in life made large.

A fifth of the cases is open, all of them one person's; a twentieth is mail to decide; a tenth are cancellations. A
fifth of the mail came today, the rest over a hundred days. One customer wrote 500 times, on one case.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from itaca.cases.search_words import words_of
from itaca.contracts.ids import new_reference, uuid7
from itaca.storage import tables as t
from itaca.storage.database import Database
from itaca.storage.moments import NEVER, to_micros

BATCH = 2_000
DAY = 86_400_000_000
NAMES = ("Anna Neri", "Mario Rossi", "Lucia Ferrari", "Paolo Esposito", "Giulia Romano", "Nadia Haddad")
_COPIED = (t.customers, t.mails, t.mail_texts, t.cases, t.case_mails, t.promises, t.case_events, t.interactions)
Rows = dict[Table, list[dict[str, Any]]]


class Copier:
    """Makes rows like those of the one case there is.

    Args:
        now: when the last of them came.
        total: how many there will be.
    """

    def __init__(self, conn: Connection, now: datetime, total: int, rng: random.Random) -> None:
        self._now, self._at, self._total, self._rng = now, to_micros(now), total, rng
        self._first = {table: dict(conn.execute(select(table)).mappings().first() or {}) for table in _COPIED}

    def rows(self, numbers: Sequence[int]) -> Rows:
        """Return the rows of these cases by table, in the order in which they may be written."""
        made: Rows = {table: [] for table in (*_COPIED, t.customer_addresses, t.cancellations, t.answer_values)}
        for number in numbers:
            self._case(number, made)
        made[t.customer_words] = [
            {"word": word, "customer_id": row["id"]} for row in made[t.customers] for word in words_of(row["name"])
        ]
        return {table: rows for table, rows in made.items() if rows}

    def _received(self, number: int) -> int:
        """Return when the mail of a case came: the last fifth of them today."""
        share = number / self._total
        if share < 0.8:
            return self._at - 100 * DAY + int(share / 0.8 * 99 * DAY)
        return self._at - int((1 - share) / 0.2 * 6 * DAY / 24)

    def _case(self, number: int, made: Rows) -> None:
        at, rng = self._received(number), self._rng
        moment = self._now - timedelta(microseconds=self._at - at)
        ids = {name: uuid7(moment, rng) for name in ("customer_id", "mail_id", "case_id")}
        for table in _COPIED:
            own = {name: ids[name] for name in ids if name in table.c}
            made[table].append(
                {**self._first[table], **({"id": uuid7(moment, rng)} if "id" in table.c else {}), **own}
            )
        customer, mail, _, case, link, promise, event, contact = (made[table][-1] for table in _COPIED)
        customer.update(id=ids["customer_id"], name=NAMES[number % len(NAMES)] + f" {number % 997}")
        mail.update(id=ids["mail_id"], digest=ids["mail_id"], received_at=at)
        mail.update(outcome="case", settled_at=at, settled_by="router")
        kind = "review" if number % 20 == 0 else "cancellation" if number % 10 == 1 else "complaint"
        case.update(
            id=ids["case_id"], reference=new_reference(rng), opened_by=ids["mail_id"], kind=kind, opened_at=at
        )
        promise["due_at"] = case["breaks_at"] = at + 30 * DAY + number
        event.update(mail_id=None, at=at, kind="appended" if number % 50 == 0 else "opened")
        contact.update(outbox_id=None, at=at)
        link["role"] = "opened"
        if number % 5:
            case.update(status="closed", outcome="answered", closed_at=at, breaks_at=NEVER)
            promise.update(state="kept", ended_at=at)
        made[t.customer_addresses].append({"address": f"c{number}@posta.example", "customer_id": ids["customer_id"]})
        if kind == "cancellation":
            dates = {"requested_at": at, "effective_at": at, "effected_at": at, "watch_until": at + 90 * DAY}
            made[t.cancellations].append({"case_id": ids["case_id"], "state": "watched", **dates})
        if number % 2:
            cause = ("asked_again", "nothing_changed", "")[number % 3]
            scored = {"interaction_id": contact["id"], "case_id": ids["case_id"], "template": "", "asks_for": []}
            scored |= {"answered_at": at, "score_at": at, "scored_at": at, "points": int(not cause), "cause": cause}
            made[t.answer_values].append({**scored, "contacts_after": 1})


async def fill(database: Database, now: datetime, count: int, rng: random.Random) -> None:
    """Write so many more cases, some thousand in a transaction."""
    copier = await database.read(lambda conn: Copier(conn, now, count, rng))
    for start in range(0, count, BATCH):
        rows = copier.rows(range(start, min(start + BATCH, count)))
        await database.write(lambda conn, rows=rows: _write(conn, rows))


async def talk(database: Database, reference: str, now: datetime, mails: int, rng: random.Random) -> None:
    """Let the customer of this case write so many more mails, each of some length, with four events each."""

    def work(conn: Connection) -> None:
        case = conn.execute(select(t.cases).where(t.cases.c.reference == reference)).one()
        _write(conn, _more_mails(conn, case, now, mails, rng))

    await database.write(work)


def _more_mails(conn: Connection, case: Any, now: datetime, count: int, rng: random.Random) -> Rows:
    mail = dict(conn.execute(select(t.mails).where(t.mails.c.id == case.opened_by)).mappings().one())
    opening = select(t.mail_texts).where(t.mail_texts.c.mail_id == case.opened_by)
    text = dict(conn.execute(opening).mappings().one())
    text["text"] = {**text["text"], "new_text": "Non è arrivato niente, e nessuno mi risponde. " * 40}
    made: Rows = {table: [] for table in (t.mails, t.mail_texts, t.case_mails, t.case_events, t.interactions)}
    for number in range(count):
        mail_id, at = uuid7(now, rng), mail["received_at"] + number * 1_000_000
        made[t.mails].append({**mail, "id": mail_id, "digest": mail_id, "received_at": at})
        made[t.mail_texts].append({**text, "mail_id": mail_id})
        made[t.case_mails].append({"case_id": case.id, "mail_id": mail_id, "role": "appended"})
        event = {"case_id": case.id, "actor": "router", "mail_id": mail_id, "detail": {}}
        for kind in ("appended", "labelled", "promised", "promise_kept"):
            made[t.case_events].append({**event, "id": uuid7(now, rng), "at": at, "kind": kind})
        contact = {"customer_id": case.customer_id, "case_id": case.id, "mail_id": mail_id, "direction": "in"}
        made[t.interactions].append({**contact, "id": uuid7(now, rng), "at": at})
    return made


def hours_of(now: datetime) -> Iterator[datetime]:
    """Yield the moments at which the books were closed over the last day."""
    for quarters in range(96, -1, -1):
        yield now - timedelta(minutes=15 * quarters)


def _write(conn: Connection, rows: Rows) -> None:
    for table, values in rows.items():
        conn.execute(insert(table), values)
