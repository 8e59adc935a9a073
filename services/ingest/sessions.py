"""Who is connected, and who is in the middle of handing a mail over: what a shutdown waits for."""

import asyncio
from typing import Protocol


class Session(Protocol):
    """What a shutdown asks of a conversation."""

    @property
    def is_receiving(self) -> bool: ...

    def say_closing(self) -> None: ...


class Sessions:
    """The conversations of one listener."""

    def __init__(self) -> None:
        self._sessions: set[Session] = set()
        self._changed = asyncio.Event()

    def add(self, session: Session) -> None:
        self._sessions.add(session)

    def discard(self, session: Session) -> bool:
        """Forget one; False when it was forgotten before."""
        if session not in self._sessions:
            return False
        self._sessions.discard(session)
        self._changed.set()
        return True

    def note_quiet(self) -> None:
        """A session has ended its mail."""
        self._changed.set()

    def receiving(self) -> list[Session]:
        return [session for session in self._sessions if session.is_receiving]

    async def close(self, grace_s: float) -> int:
        """Send everybody away, those who are handing a mail over after their reply or after ``grace_s`` seconds.

        Returns:
            How many mails were cut short; their senders keep them.
        """
        self._dismiss_idle()
        try:
            async with asyncio.timeout(grace_s):
                while self.receiving():
                    self._changed.clear()
                    await self._changed.wait()
                    self._dismiss_idle()
        except TimeoutError:
            pass
        late = self.receiving()
        for session in list(self._sessions):
            session.say_closing()
        try:
            async with asyncio.timeout(1.0):
                while self._sessions:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return len(late)

    def _dismiss_idle(self) -> None:
        for session in list(self._sessions):
            if not session.is_receiving:
                session.say_closing()
