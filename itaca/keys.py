"""Keys of this Itaca: given by a setting, or kept in a file of the data folder that its first user makes."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from itaca.errors import ConfigurationError
from itaca.settings import SharedSettings

KEY_BYTES = 32
SECRET_FILE = "secret.key"  # noqa: S105
_SEALED = "sealed"


def parse_key(text: str, where: str) -> bytes:
    """Return the key of ``KEY_BYTES`` bytes that stands there in base64.

    Raises:
        ConfigurationError: it is none; ``where`` begins the sentence.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError([f"{where}: no key; write {KEY_BYTES} bytes of chance in base64"])
    return key


def read_key_file(path: Path, *, makes: bool = True) -> str:
    """Return what stands in a key file, which is made when it is missing.

    Raises:
        ConfigurationError: it cannot be read or made, or it is missing and ``makes`` is False.
    """
    try:
        if not path.exists():
            if not makes:
                raise ConfigurationError([f"ITACA_SECRET_KEY: {path}, which sealed secrets, is gone: put it back"])
            _make(path)
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"ITACA_DATA_DIR: the key {path} cannot be read or made ({error})"]) from error


def _make(path: Path) -> None:
    """Put a new key in place whole, for its owner only; of two processes that start at once one wins.

    It is on the disk before anything is sealed by it: the ledger, which is, must not outlive it in a power cut.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(beside, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Keyring:
    """Seals secrets and signs tokens by the first of its keys; opens and verifies by any."""

    keys: Sequence[bytes] = field(repr=False)

    @property
    def mark(self) -> str:
        """Return by what sealed texts name the first key: eight hex digits that tell nothing of it."""
        return _mark(self.keys[0])

    def seal(self, text: str) -> str:
        """Return the text so that only a holder of the key can read or change it (Fernet: AES-128, HMAC-SHA-256)."""
        return f"{_SEALED}:{self.mark}:{_fernet(self.keys[0]).encrypt(text.encode()).decode()}"

    def open(self, sealed: str) -> str:
        """Return the text that was sealed; one that nobody has sealed yet is returned as it is.

        Raises:
            ConfigurationError: no key of this ring sealed it, or somebody changed it.
        """
        if not is_sealed(sealed):
            return sealed
        _, mark, token = sealed.split(":", 2)
        for key in self.keys:
            if _mark(key) == mark:
                try:
                    return _fernet(key).decrypt(token.encode()).decode()
                except InvalidToken:
                    break
        raise ConfigurationError([f"ITACA_SECRET_KEY: not the key {mark} that sealed the secrets of webhooks"])

    def signatures(self, purpose: str, message: bytes) -> list[bytes]:
        """Return the HMAC-SHA-256 of a message by each key, the first one's first; each purpose has its own keys."""
        return [hmac.digest(_derived(key, purpose), message, "sha256") for key in self.keys]


def is_sealed(text: str) -> bool:
    """Say whether a text is sealed; secrets of Standard Webhooks begin with ``whsec_``."""
    return text.startswith(f"{_SEALED}:")


def open_keyring(settings: SharedSettings, *, makes: bool = True) -> Keyring:
    """Return the keys of this Itaca: of its setting, or of the file in the data folder, made when missing.

    Raises:
        ConfigurationError: a key cannot be read or made, or is none.
    """
    given = [key.get_secret_value() for key in settings.secret_key]
    where = "ITACA_SECRET_KEY"
    if not given:
        path = settings.data_dir / SECRET_FILE
        given, where = read_key_file(path, makes=makes).split(), str(path)
    return Keyring([parse_key(text, where) for text in given or [""]])


def _mark(key: bytes) -> str:
    return hashlib.sha256(b"itaca key " + key).hexdigest()[:8]


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"itaca {purpose}".encode()).derive(key)


def _fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(key, "secrets")))
