"""The key by which a redelivered mail is recognised: its envelope and its bytes, never its Message-ID."""

import hashlib

from itaca.mail.model import Envelope

_LENGTH_BYTES = 8


def mail_digest(envelope: Envelope, raw: bytes) -> str:
    """Return SHA-256 in hex over the envelope and the raw mail.

    The order of the recipients does not matter. Every field is preceded by its length, so that no two different
    mails are the same sequence of bytes; one changed byte, sender or recipient is another mail.
    """
    digest = hashlib.sha256()
    recipients = sorted(recipient.encode("utf-8", "surrogateescape") for recipient in envelope.recipients)
    fields = [envelope.sender.encode("utf-8", "surrogateescape"), *recipients, hashlib.sha256(raw).digest()]
    digest.update(len(recipients).to_bytes(_LENGTH_BYTES, "big"))
    for field in fields:
        digest.update(len(field).to_bytes(_LENGTH_BYTES, "big"))
        digest.update(field)
    return digest.hexdigest()
