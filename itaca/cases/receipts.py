"""The receipt of a cancellation: a small document that a customer keeps, signed so that nobody can deny it.

The signature is Ed25519 (RFC 8032) over the bytes of the document as they are stored and shown; whoever has document,
signature and public key can verify it without us.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from itaca.errors import PermanentError

KEY_BYTES = 32


@dataclass(frozen=True)
class Content:
    """What a receipt says. ``mail_sha256`` is of the customer's mail as it came, in hex."""

    organisation: str
    reference: str
    contract: str
    requested_at: datetime
    effective_at: datetime
    issued_at: datetime
    mail_sha256: str


@dataclass(frozen=True)
class Signed:
    """A receipt as it was signed."""

    document: str
    signature: bytes
    public_key: bytes

    def is_valid(self) -> bool:
        """Say whether the signature is of this document, by this key."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(self.signature, self.document.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def content(self) -> dict[str, str]:
        """Return what the document says, by field."""
        said: dict[str, str] = json.loads(self.document)
        return said


@dataclass(frozen=True)
class Signer:
    """Signs with one key."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "Signer":
        """Return the signer with this secret of ``KEY_BYTES`` bytes.

        Raises:
            PermanentError: it has another length.
        """
        if len(secret) != KEY_BYTES:
            raise PermanentError(f"a key for receipts has {KEY_BYTES} bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, content: Content) -> Signed:
        """Return the document with its signature; the same content gives the same one."""
        document = _document(content)
        return Signed(document, self._key.sign(document.encode()), self.public_key)


def _document(content: Content) -> str:
    said = {
        "type": "itaca.cancellation_receipt.1",
        "organisation": content.organisation,
        "reference": content.reference,
        "contract": content.contract,
        "requested_at": content.requested_at.isoformat(),
        "effective_at": content.effective_at.isoformat(),
        "issued_at": content.issued_at.isoformat(),
        "mail_sha256": content.mail_sha256,
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1)
