"""Everybody who has a page open hears that it changed: one look at the ledger for all of them together.

In:     pages that are open, each a stream; what other processes do is seen in the ledger like one's own work.
Out:    "something changed" to those whom it concerns; the page asks what. In the ledger, who has which case open.
Fails:  the ledger away -> nobody hears anything until it is back; no stream to be had -> the page asks by itself.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import structlog
from sqlalchemy import Connection

from itaca.clock import Clock
from itaca.contracts.ids import CaseReference, PersonId
from itaca.contracts.intents import CaseKind
from itaca.errors import ItacaError
from itaca.storage.database import Database
from itaca.storage.desk_live import NEWEST, Happening, case_versions, newest_happenings, newest_mail
from itaca.storage.desk_sessions import Look, look_at, look_away, looking_at, still_signed_in

log = structlog.get_logger()
TICK_S = 1.5
KEEP_S = 60.0
"""How often the ledger is told that somebody still looks."""
LAST_LOOK_S = 3.0
MOST_STREAMS = 500
MOST_OF_ONE_SESSION = 4
"""Browsers open six connections to one address (RFC 9112, 9.4): some must be left to work with."""
_GIVES = frozenset({"owner_given", "passed_on", "taken", "handed_over"})
"""What takes a case from somebody: the ledger says whose it is now, not whose it was."""


class Page(Enum):
    """What can be looked at. ``value``: how long at least between two words to one page, in seconds."""

    CASE = 0.5
    DAY = 3.0
    REVIEW = 2.0
    FLOW = 10.0


@dataclass(frozen=True)
class Topic:
    """What one page shows: ``of`` is the reference of a case, or the person whose day it is."""

    page: Page
    of: str = ""


@dataclass(eq=False)
class Listener:
    """One open page. However much happens before it listens again, it holds one flag."""

    session: str
    topic: Topic
    is_known: bool = False
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def wake(self) -> None:
        self._woken.set()

    def end(self) -> None:
        self._over.set()
        self._woken.set()

    async def changed(self, patience_s: float) -> bool:
        """Return True once something changed, False when nothing did for so long, or when it is over."""
        return await _within(self._woken, patience_s) and not self.is_over

    async def rest(self, seconds: float) -> None:
        """Hear nothing for a while, unless it is over; what happens meanwhile is heard afterwards."""
        self._woken.clear()
        await _within(self._over, seconds)


@dataclass(frozen=True)
class _Seen:
    """What one look found; for cases: their versions, and who has them open."""

    sessions: set[str]
    cases: Mapping[str, tuple[int, frozenset[PersonId]]]
    ids: set[str]
    happened: list[Happening]
    mail: str


class Live:
    """The open pages of one process. A single task looks for all; there is none while no page is open.

    Args:
        tick_s: seconds between two looks; whoever comes or goes is seen to at once.
    """

    def __init__(self, database: Database, clock: Clock, tick_s: float = TICK_S) -> None:
        self._database, self._clock, self._tick_s = database, clock, tick_s
        self._listeners: set[Listener] = set()
        self._kept: set[Look] = set()
        # Their pages told the ledger that they look; they may leave before anybody saw them come.
        self._gone: set[Look] = set()
        self._kept_at_s = clock.monotonic_s()
        self._before: _Seen | None = None
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def count(self) -> int:
        """Return how many pages are open."""
        return len(self._listeners)

    @property
    def is_watching(self) -> bool:
        """Say whether a task is at work."""
        return self._task is not None

    @property
    def is_closed(self) -> bool:
        """Say whether the desk is about to stop: who looks now is not written down any more."""
        return self._is_closed

    def enter(self, session: str, topic: Topic) -> Listener | None:
        """Begin to listen; the first word comes with the first look. None when there is no room, or at the end."""
        of_one = sum(one.session == session for one in self._listeners)
        if self._is_closed or of_one >= MOST_OF_ONE_SESSION or self.count >= MOST_STREAMS:
            return None
        listener = Listener(session, topic)
        self._listeners.add(listener)
        self._bell.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch())
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more; others hear of it with the next look."""
        self._listeners.discard(listener)
        self._gone |= _looks((listener,))
        self._bell.set()

    async def close(self) -> None:
        """End every stream and the task; whoever looked at a case looks no more. A hanging ledger is left."""
        self._is_closed = True
        for listener in self._listeners:
            listener.end()
        self._gone |= _looks(self._listeners)
        self._listeners.clear()
        self._bell.set()
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=LAST_LOOK_S)
            task.cancel()
            await asyncio.wait({task})

    async def look(self) -> None:
        """Write down who came and who went, and tell everybody what concerns them.

        Raises:
            TransientError: the ledger is away.
        """
        now, here = self._clock.now(), list(self._listeners)
        await self._keep(now)
        references = [CaseReference(topic.of) for topic in {one.topic for one in here} if topic.page is Page.CASE]
        sessions, before = {one.session for one in here}, self._before
        seen = await self._database.read(
            lambda conn: _look(conn, references, sessions, before.ids if before else None, now)
        )
        self._before = seen
        for listener in here:
            if listener.session not in seen.sessions:
                listener.end()
            elif not listener.is_known or _concerns(listener.topic, before, seen):
                listener.is_known = True
                listener.wake()

    async def _keep(self, now: datetime) -> None:
        looks, gone = _looks(self._listeners), set(self._gone)
        is_due = self._clock.monotonic_s() - self._kept_at_s >= KEEP_S
        came, went = looks if is_due else looks - self._kept, (self._kept | gone) - looks
        if came or went:

            def work(conn: Connection) -> None:
                look_at(conn, came, now)
                look_away(conn, went)

            await self._database.write(work)
        self._kept = looks
        self._gone -= gone
        if is_due:
            self._kept_at_s = self._clock.monotonic_s()

    async def _try_to_look(self) -> bool:
        try:
            await self.look()
        except ItacaError as error:
            log.warning("desk.look_failed", error=type(error).__name__)
            return False
        return True

    async def _watch(self) -> None:
        try:
            while self._listeners or self._kept or self._gone:
                self._bell.clear()
                is_away = not await self._try_to_look()
                if is_away and self._is_closed:
                    return
                if is_away or self._listeners:
                    await _within(self._bell, self._tick_s)
        finally:
            self._task, self._before = None, None


def _looks(listeners: Iterable[Listener]) -> set[Look]:
    return {(one.session, CaseReference(one.topic.of)) for one in listeners if one.topic.page is Page.CASE}


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _look(
    conn: Connection, references: list[CaseReference], sessions: set[str], ids: set[str] | None, now: datetime
) -> _Seen:
    versions = case_versions(conn, references) if references else {}
    looking = looking_at(conn, references, now) if references else {}
    cases: dict[str, tuple[int, frozenset[PersonId]]] = {
        one: (versions.get(one, 0), frozenset(looking[one])) for one in references
    }
    newest, happened = newest_happenings(conn, ids)
    return _Seen(still_signed_in(conn, sessions, now), cases, newest, happened, newest_mail(conn))


def _concerns(topic: Topic, before: _Seen | None, seen: _Seen) -> bool:
    """Say whether what one look found and the look before had not is shown by this page."""
    if before is None:
        return True
    if topic.page is Page.CASE:
        return before.cases.get(topic.of) != seen.cases.get(topic.of)
    if topic.page is Page.FLOW:
        return bool(seen.happened) or before.mail != seen.mail
    if len(seen.happened) >= NEWEST:
        return True
    if topic.page is Page.REVIEW:
        return any(one.case_kind == CaseKind.REVIEW.value for one in seen.happened)
    return any(one.owner_id == topic.of or one.kind in _GIVES for one in seen.happened)
