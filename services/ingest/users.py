"""Who may log in: a file of names and scrypt hashes (RFC 7914), one ``name:scrypt$n$r$p$salt$hash`` a line."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from itaca.errors import PermanentError

_COST, _BLOCK, _LANES = 1 << 15, 8, 1
_MAX_COST = 1 << 18
_MEMORY_BYTES = 512 * 1024 * 1024
_HASH_BYTES = 32


@dataclass(frozen=True)
class Secret:
    """One hashed password with its parameters."""

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    def matches(self, password: bytes) -> bool:
        """Compute and compare; some 80 ms of CPU by design, so never on the event loop."""
        computed = _scrypt(password, self.salt, self.cost, self.block, self.lanes)
        return hmac.compare_digest(computed, self.digest)


class Users:
    """The names that may log in. At most two passwords are computed at a time; the rest waits."""

    def __init__(self, secrets: dict[str, Secret]) -> None:
        self._secrets = secrets
        self._nobody = Secret(_COST, _BLOCK, _LANES, b"nobody at all...", bytes(_HASH_BYTES))
        self._places = asyncio.Semaphore(2)

    @classmethod
    def from_file(cls, path: Path) -> "Users":
        """Read the file; empty lines and lines beginning with ``#`` are skipped.

        Raises:
            PermanentError: it cannot be read, or a line is malformed; the text names the line's number only.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise PermanentError(f"cannot be read ({type(error).__name__})") from error
        secrets: dict[str, Secret] = {}
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                name, secret = _parse(line.strip(), number)
                secrets[name] = secret
        if not secrets:
            raise PermanentError("names nobody")
        return cls(secrets)

    async def verify(self, login: bytes, password: bytes) -> bool:
        """Say whether the password is this user's; an unknown name costs the same time as a known one."""
        name = login.decode("utf-8", "replace")
        secret = self._secrets.get(name, self._nobody)
        async with self._places:
            matches = await asyncio.to_thread(secret.matches, password)
        return matches and name in self._secrets


def new_line(name: str, password: str, salt: bytes) -> str:
    """Return the line that lets ``name`` log in; ``salt`` is 16 bytes from a cryptographic source."""
    digest = _scrypt(password.encode(), salt, _COST, _BLOCK, _LANES)
    fields = [str(_COST), str(_BLOCK), str(_LANES), _encoded(salt), _encoded(digest)]
    return f"{name}:scrypt${'$'.join(fields)}"


def _parse(line: str, number: int) -> tuple[str, Secret]:
    name, _, rest = line.partition(":")
    fields = rest.split("$")
    try:
        kind, cost, block, lanes, salt, digest = fields
        secret = Secret(int(cost), int(block), int(lanes), base64.b64decode(salt), base64.b64decode(digest))
        if kind != "scrypt" or not name or not 2 <= secret.cost <= _MAX_COST or not secret.digest:
            raise ValueError("not a line of this file")
        secret.matches(b"")
    except (ValueError, binascii.Error, MemoryError) as error:
        raise PermanentError(f"line {number} is not name:scrypt$n$r$p$salt$hash") from error
    return name, secret


def _scrypt(password: bytes, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY_BYTES, dklen=_HASH_BYTES)


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
