"""Suppression checks in groups: who asks while one look is under way shares the next one.

A look at the ledger costs the same whatever it looks for, and a sender asks before each of a thousand mails: the wait
is one look, the cost of a check falls with the load.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from itaca.errors import ItacaError
from itaca.storage.database import Database
from itaca.storage.suppressions import Suppression, SuppressionKey, find_suppressions

MOST_AT_ONCE = 100
Found = Sequence[Suppression]


@dataclass(frozen=True)
class _Asked:
    key: SuppressionKey
    value: str
    answer: "asyncio.Future[Found]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Checks:
    """One desk's checks on its ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Asked] = deque()
        self._looking: asyncio.Task[None] | None = None

    async def find(self, key: SuppressionKey, value: str) -> Found:
        """Return what ``find_suppressions`` finds.

        Raises:
            TransientError: the ledger is away.
        """
        asked = _Asked(key, value)
        self._waiting.append(asked)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return await asked.answer

    async def _look(self) -> None:
        group: list[_Asked] = []
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
                await self._answer(group)
        finally:
            self._looking = None
            for asked in (*group, *self._waiting):
                if not asked.answer.done():
                    asked.answer.cancel()
            self._waiting.clear()

    async def _answer(self, group: Sequence[_Asked]) -> None:
        def look(conn: Connection) -> list[Found]:
            return [find_suppressions(conn, asked.key, asked.value) for asked in group]

        try:
            found = await self._database.read(look)
        except ItacaError as error:
            for asked in group:
                if not asked.answer.done():
                    asked.answer.set_exception(type(error)(*error.args))
            return
        for asked, suppressions in zip(group, found, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(suppressions)
