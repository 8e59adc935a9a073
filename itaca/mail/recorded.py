"""A contact by another way, written as a mail: so that it is kept, read and shown like every other."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

CHANNEL_HEADER = "X-Itaca-Channel"


def recorded_mail(
    channel: str, at: datetime, subject: str, text: str, files: Sequence[tuple[str, str, bytes]]
) -> bytes:
    """Return the contact as RFC 5322 text; the same contact gives the same bytes.

    Args:
        files: name, content type and bytes of each; types that are none become ``application/octet-stream``.
    """
    message = EmailMessage(SMTP)
    message["Date"] = format_datetime(at)
    message["Subject"] = _one_line(subject)[:200]
    message[CHANNEL_HEADER] = channel
    message.set_content(text, cte="quoted-printable")
    for name, content_type, content in files:
        maintype, _, subtype = content_type.partition("/")
        if not subtype or maintype in ("message", "multipart"):
            maintype, subtype = "application", "octet-stream"
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    if message.is_multipart():
        # A boundary of chance would make another mail of the same contact; no line of base64 can be this one.
        message.set_boundary("=_recorded_by_itaca")
    return message.as_bytes()


def _one_line(text: str) -> str:
    """Return text that may stand in a header: no controls, and no encoded word in which a line end could hide."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).replace("=?", "= ?").split())
