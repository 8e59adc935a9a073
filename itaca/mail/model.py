"""What the rules know about one mail: its envelope, and the text a person wrote with the facts around it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: immutable, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Envelope(Frozen):
    """The SMTP envelope: ``sender`` is empty for the null reverse-path (RFC 5321, 4.5.5)."""

    sender: str
    recipients: tuple[str, ...]


class AutomaticKind(StrEnum):
    """Why a mail counts as automatic, always by structure (RFC 3834, RFC 3464), never by its subject alone.

    ``BOUNCE``: a delivery status report, or a report answered to the null sender. ``RECEIPT``: a PEC receipt,
    a message disposition notification, or a status report of no failure. ``AUTO_REPLY``: Auto-Submitted:
    auto-replied, vacation and the like. ``AUTO_GENERATED``: made by a machine, perhaps a web form that carries a
    customer's words.
    ``LIST``: a mailing list or bulk mail.
    """

    NONE = "none"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    LIST = "list"


class CertifiedKind(StrEnum):
    """PEC (RFC 6109): what kind of certified message this is."""

    NONE = "none"
    ENVELOPE = "envelope"
    ANOMALY = "anomaly"
    RECEIPT = "receipt"


class EntityKind(StrEnum):
    """What a configurable pattern may extract."""

    CUSTOMER_CODE = "customer_code"
    ORDER_NUMBER = "order_number"
    CONTRACT_NUMBER = "contract_number"
    CASE_REFERENCE = "case_reference"


class Entity(Frozen):
    """One code found in the subject or in the new text, normalised to upper case without spaces."""

    kind: EntityKind
    value: str


class Attachment(Frozen):
    """A part that came as a file. The bytes stay in the raw mail; ``sha256`` is of the decoded bytes, in hex."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str


class MailText(Frozen):
    """The text a person wrote and the facts around it; made by ``read_mail``, which never raises.

    ``new_text`` is what this writer adds, ``quoted_text`` the history below it; ``whole_text`` of the mail is
    both. ``sender`` is the true writer (behind PEC envelopes, Reply-To of trusted forwarders, Resent-*), lower
    case, possibly empty. ``reply_to_address`` is where an acknowledgement may go (the return path, RFC 3834),
    empty when none may be sent; ``suppressed_because`` then says why in a few words. ``defects`` are short
    fixed codes (``charset:unknown``, ``limit:parts``, ...).
    """

    subject: str = ""
    new_text: str = ""
    quoted_text: str = ""
    language: str = ""
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    refers_to: str = ""
    """For bounces and receipts: the Message-ID of the message they speak of."""
    date: str = ""
    automatic: AutomaticKind = AutomaticKind.NONE
    certified: CertifiedKind = CertifiedKind.NONE
    authenticated: bool = False
    reply_to_address: str = ""
    suppressed_because: str = ""
    entities: tuple[Entity, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()
    is_html_only: bool = False
    """True when all text of the mail was HTML."""
    is_readable: bool = True
    """False when no text could be read at all although the mail holds something: a person looks."""
