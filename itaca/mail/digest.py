"""The key of a mail: a digest of its envelope and its bytes, so that the same delivery twice is one mail.

A Message-ID is no key: some mails have none, and different mails carry the same one.
"""

import hashlib

from itaca.mail.model import Envelope


def mail_digest(envelope: Envelope, raw: bytes) -> str:
    """Return the SHA-256, in hex, of sender, sorted recipients and raw bytes, each behind its length.

    The order of recipients does not matter, any byte of the mail does; the lengths keep a field from borrowing
    bytes of its neighbour.
    """
    total = hashlib.sha256()
    for field in (envelope.sender, *sorted(envelope.recipients)):
        encoded = field.encode("utf-8", "surrogateescape")
        total.update(len(encoded).to_bytes(8, "big"))
        total.update(encoded)
    total.update(hashlib.sha256(raw).digest())
    return total.hexdigest()
