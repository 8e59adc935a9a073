"""Passwords by argon2id, off the event loop, and the tokens that forms carry."""

import asyncio
import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from itaca.storage.invitations import new_secret

MIN_CHARS = 12
MAX_CHARS = 256
_AT_ONCE = 2
"""Hashing takes 64 MiB each time: sign-ins queue rather than fill the memory."""


class Passwords:
    """Hashes and checks; an unknown address costs as much time as a wrong password."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self.attempts = asyncio.Semaphore(_AT_ONCE)
        """Held from counting refusals to writing the next one: a burst of guesses does not slip past the limit."""
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Say whether this is the password; ``None`` stands for an address nobody has."""
        if kept is None:
            self._nobody = self._nobody or await self.hash(new_secret())
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, password[: MAX_CHARS + 1], kept or self._nobody)
        return fits and kept is not None

    def _verify(self, password: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def form_token(secret: str) -> str:
    """Return the token that a form must carry back; it follows from a cookie that other sites cannot read."""
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()
