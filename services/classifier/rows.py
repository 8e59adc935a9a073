"""A mail given as a JSON row (id, subject, body, from, to, cc, headers, attachments) as text to judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from itaca.contracts.events import WrittenText
from itaca.errors import PermanentError
from itaca.mail.addresses import read_addresses
from itaca.mail.automatic import automatic_kind
from itaca.mail.defects import Defects
from itaca.mail.language import language_of
from itaca.mail.limits import Limits
from itaca.mail.model import Attachment, AutomaticKind, Envelope, MailText
from itaca.mail.quotes import split_quotes
from itaca.mail.rules import ReadingRules
from itaca.mail.structure import read_structure
from itaca.mail.written import written_text

_LIMITS = Limits()


def written_from_row(row: Mapping[str, Any]) -> WrittenText:
    """Return what the classifier may see of the row, by the rules that read raw mail.

    A row of the ledger carries ``written``, the text as it was judged: it is taken as it is.

    Raises:
        PermanentError: subject or body is no text, the headers are no object, or ``written`` is no such text.
    """
    if row.get("written"):
        return _as_judged(row["written"])
    subject, body = row.get("subject") or "", row.get("body") or ""
    if not isinstance(subject, str) or not isinstance(body, str):
        raise PermanentError("subject and body must be text")
    text = split_quotes(body)
    new, quoted = text.new_text.strip(), text.quoted_text.strip()
    return written_text(
        MailText(
            subject=subject,
            new_text=new,
            quoted_text=quoted,
            language=language_of(f"{subject}\n{new or quoted}"),
            sender=next(iter(_addresses(row.get("from"))), ""),
            recipients=_addresses(row.get("to")),
            cc=_addresses(row.get("cc")),
            automatic=_automatic(row.get("headers")),
            attachments=tuple(_attachment(str(name)) for name in _listed(row.get("attachments"))),
        )
    )


def _as_judged(value: object) -> WrittenText:
    try:
        return WrittenText.model_validate(value)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise PermanentError(f"written is no text as it was judged ({fields})") from None


def _attachment(name: str) -> Attachment:
    return Attachment(name=name, content_type="", size_bytes=0, sha256="")


def _listed(value: object) -> Sequence[object]:
    """Return a list as it is, and one value as a list of one."""
    if not value:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _addresses(value: object) -> tuple[str, ...]:
    found = [address.address for one in _listed(value) for address in read_addresses(str(one).encode(), _LIMITS)]
    return tuple(address for address in found if address)


def _automatic(headers: object) -> AutomaticKind:
    """Tell from the headers of the row whether a machine wrote it; the envelope is taken to have a sender."""
    if not headers:
        return AutomaticKind.NONE
    if not isinstance(headers, Mapping):
        raise PermanentError("headers must be an object")
    lines = [f"{name}: {' '.join(str(value).split())}\n" for name, value in headers.items()]
    part = read_structure("".join(lines).encode("utf-8", "replace") + b"\n", _LIMITS, Defects())
    return automatic_kind(part, Envelope(sender="unknown@invalid", recipients=()), ReadingRules())
