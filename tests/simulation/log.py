"""What the simulation did, step by step: from it comes the story of a run, and the proof that it replays."""

import hashlib
from collections.abc import Callable


class Log:
    """Lines of (seconds, who, what, which). Nothing is formatted until somebody reads."""

    def __init__(self, elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self.lines: list[tuple[float, str, str, object]] = []

    def note(self, who: str, what: str, which: object = "") -> None:
        self.lines.append((self._elapsed_s(), who, what, which))

    def digest(self) -> str:
        """Return the hash of everything that happened."""
        return hashlib.blake2b(repr(self.lines).encode(), digest_size=16).hexdigest()
