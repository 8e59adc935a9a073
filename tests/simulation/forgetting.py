"""In some runs somebody asks to be forgotten: tried while mail is under way, and done once all has come right.

What an erasure may take is decided here anew, by plain SQL on what the ledger held before and holds afterwards.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from itaca.contracts.ids import CaseId, CustomerId, uuid7
from itaca.contracts.intents import CaseOutcome
from itaca.errors import PermanentError
from itaca.storage.asks import tick_all
from itaca.storage.cases import close_case
from itaca.storage.erasure import Order, UnderWayError, erase_customer
from tests.simulation.loop import outside
from tests.simulation.world import World

_SAME = (
    "SELECT id, digest, received_at, size_bytes, settled_at, outcome FROM mails",
    "SELECT id, reference, kind, status, outcome, opened_at, closed_at, level, contacts, owner_id FROM cases",
    "SELECT * FROM case_mails",
    "SELECT id, case_id, at, kind, actor, mail_id FROM case_events",
    "SELECT id, case_id, kind, state, made_at, due_at, ended_at FROM promises",
    "SELECT id, customer_id, case_id, mail_id, direction, at FROM interactions",
    "SELECT id, kind, dedupe_key, case_id, state, created_at, ended_at FROM outbox",
    "SELECT case_id, state, effective_at, watch_until, violations FROM cancellations",
    "SELECT * FROM book_pages",
)
"""What the books and the figures rest on."""
_UNDER_WAY = (
    "SELECT r.* FROM raw_mails r JOIN mails m ON m.id = r.mail_id WHERE m.settled_at IS NULL",
    "SELECT t.* FROM mail_texts t JOIN mails m ON m.id = t.mail_id WHERE m.settled_at IS NULL",
    "SELECT * FROM mails WHERE settled_at IS NULL",
    "SELECT e.* FROM case_events e JOIN cases c ON c.id = e.case_id WHERE c.status = 'open' AND e.kind <> 'related'",
    "SELECT * FROM cases WHERE status = 'open'",
    "SELECT * FROM outbox WHERE state IN ('pending', 'sending')",
)
_WORDS = ("mails", "raw_mails", "mail_texts", "case_events", "outbox", "evidence", "customers", "customer_addresses")


class _TriedError(Exception):
    """Undoes what was tried."""


class Forgetting:
    """The wish of one customer of a run, by a chance of its own."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._rng = world, random.Random(f"forgetting {seed}")
        self.is_wanted = self._rng.random() < 0.1
        self.problems: list[str] = []

    async def try_now_and_then(self) -> None:
        """Try it at moments when mail is under way; whatever is erased is put back."""
        while True:
            await asyncio.sleep(self._rng.choice((2.0, 10.0, 60.0, 600.0)))
            self._try()

    def begin(self) -> None:
        if self.is_wanted:
            self._world.loop.create_task(self.try_now_and_then(), context=outside())

    def end(self) -> list[str]:
        """Close what one customer has open, erase them, let mail come again; return what is wrong."""
        who = self._somebody()
        if self.is_wanted and who:
            self._world.loop.run(self._forget(who))
        return self.problems

    async def _forget(self, who: CustomerId) -> None:
        self._world.disk.write(lambda conn: self._close_all(conn, who))
        await self._world.come_right()
        before = _kept(self._world)
        try:
            self._world.disk.write(lambda conn: self._erase(conn, who))
        except UnderWayError as error:
            self.problems.append(f"ERASURE: all has come right, and it was refused: {error}")
            return
        self._compare(before)
        self.problems += self._left_over(who)
        accepted = self._world.forwarder.accepted
        for letter in list(accepted.values())[:3]:
            await self._world.forwarder.bring(letter)
        await self._world.come_right()
        if len(accepted) != len(_rows(self._world, "SELECT id FROM mails")):
            self.problems.append("ERASURE: a mail that came again is another mail now")
        self.problems += list(_books(self._world))

    def _try(self) -> None:
        who = self._somebody()
        if who is None:
            return
        before, problems = _kept(self._world), len(self.problems)

        def tried(conn: Connection) -> None:
            self._erase(conn, who)
            self._compare(before)
            raise _TriedError

        try:
            self._world.disk.write(tried)
        except (_TriedError, UnderWayError):
            pass
        except PermanentError as error:
            self.problems.append(f"ERASURE: the ledger refused it: {error}")
        if len(self.problems) > problems:
            self._world.log.note("customer", "was erased wrongly", who)

    def _somebody(self) -> CustomerId | None:
        known = sorted(row[0] for row in _rows(self._world, "SELECT customer_id FROM interactions"))
        return CustomerId(self._rng.choice(known)) if known else None

    def _erase(self, conn: Connection, who: CustomerId) -> None:
        now = self._world.wall.now()
        erase_customer(conn, who, Order(uuid7(now, self._rng), now, "owner", "a wish", self._rng.randbytes(32)))

    def _close_all(self, conn: Connection, who: CustomerId) -> None:
        now, rng = self._world.wall.now(), self._rng
        still_open = f"SELECT id, kind FROM cases WHERE status = 'open' AND customer_id = '{who}'"
        for case_id, kind in _rows(self._world, still_open):
            outcome = CaseOutcome.ORDERED if kind == "order" else CaseOutcome.ANSWERED
            tick_all(conn, CaseId(case_id), "said on the phone", now, rng, "owner")
            close_case(conn, CaseId(case_id), outcome, "said on the phone", now, rng, "owner")

    def _compare(self, before: dict[str, list[Any]]) -> None:
        after = _kept(self._world)
        changed = [query for query in before if before[query] != after[query]]
        self.problems += [f"ERASURE: it changed what must stay: {query}" for query in changed]

    def _left_over(self, who: CustomerId) -> Iterator[str]:
        """Look for the words that this customer's letters carry wherever words may stand."""
        mine = {row[0] for row in _rows(self._world, f"SELECT mail_id FROM interactions WHERE customer_id = '{who}'")}
        letters = [letter for mail_id, letter in self._world.forwarder.accepted.items() if mail_id in mine]
        for table in _WORDS:
            said = " ".join(repr(row) for row in _rows(self._world, f"SELECT * FROM {table}"))
            for letter in letters:
                if f"(k{letter.token})" in said:
                    yield f"ERASURE: {letter.name} still speaks in {table}"
        kept = {row[0] for row in _rows(self._world, "SELECT mail_id FROM raw_mails")}
        yield from (f"ERASURE: the bytes of {mail_id} are still there" for mail_id in sorted(mine & kept))


def _kept(world: World) -> dict[str, list[Any]]:
    return {query: sorted(_rows(world, query), key=repr) for query in (*_SAME, *_UNDER_WAY)}


def _books(world: World) -> Iterator[str]:
    """Say whether each closed page still counts the mails that came before its end."""
    for until, accepted in _rows(world, "SELECT until, accepted FROM book_pages"):
        came = _rows(world, f"SELECT count(*) FROM mails WHERE received_at < {until}")[0][0]
        if came != accepted:
            yield f"BOOKS: after an erasure a page says {accepted} and {came} came"


def _rows(world: World, query: str) -> list[Any]:
    return world.disk.sql.execute(query).fetchall()
