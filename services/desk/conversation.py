"""What was said, as bubbles: the customer's mail and our letters, in the order of time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from itaca.contracts.ids import MailId
from itaca.contracts.intents import OutboxKind
from itaca.mail.written import written_text
from itaca.storage.answer_files import SentFile
from itaca.storage.desk_case import File, Received, Sent
from services.desk.highlights import Piece, highlight


@dataclass(frozen=True)
class Bubble:
    """One thing that was said. ``is_ours``: by us; ``is_machine``: nobody wrote it by hand."""

    at: datetime
    is_ours: bool
    is_machine: bool
    who: str
    subject: Sequence[Piece]
    text: Sequence[Piece]
    quoted: Sequence[Piece] = ()
    mail_id: MailId | None = None
    role: str = ""
    state: str = ""
    is_readable: bool = True
    is_truncated: bool = False
    files: Sequence[File] = ()
    unverified: bool = False
    sent_files: Sequence[SentFile] = ()


def bubbles(
    received: Sequence[Received],
    sent: Sequence[Sent],
    files: Sequence[File],
    sent_files: Sequence[SentFile],
    known: Collection[str],
) -> list[Bubble]:
    """Return the whole conversation of a case, with the files of both sides.

    Args:
        known: the addresses of the case's customer: what they wrote beside the case is no stranger's.
    """
    said = [_from_mail(mail, [f for f in files if f.mail_id == mail.mail_id], known) for mail in received]
    said += [_from_letter(one, [f for f in sent_files if f.outbox_id == one.outbox_id]) for one in sent]
    return sorted(said, key=lambda bubble: bubble.at)


def newest_of(talk: Sequence[Bubble], most: int) -> Sequence[Bubble]:
    """Return what a conversation began with, and the newest of it."""
    return talk if len(talk) <= most + 1 else [talk[0], *talk[-most:]]


def _from_mail(mail: Received, files: Sequence[File], known: Collection[str]) -> Bubble:
    written = written_text(mail.text)
    return Bubble(
        at=mail.received_at,
        is_ours=False,
        is_machine=mail.role == "report",
        who=mail.text.sender_name or mail.text.sender,
        subject=highlight(written.subject, "subject", mail.judgement),
        text=highlight(written.new_text, "new", mail.judgement),
        quoted=highlight(written.quoted_text, "quoted", mail.judgement),
        mail_id=mail.mail_id,
        role=mail.role,
        is_readable=mail.text.is_readable,
        is_truncated=written.is_truncated,
        files=files,
        unverified=mail.role == "related" and mail.text.sender not in known,
    )


def _from_letter(letter: Sent, files: Sequence[SentFile]) -> Bubble:
    is_machine = letter.kind is OutboxKind.ACKNOWLEDGEMENT
    subject, text = letter.payload.get("subject", ""), letter.payload.get("text", "")
    return Bubble(
        at=letter.created_at,
        is_ours=True,
        is_machine=is_machine,
        who=str(letter.payload.get("person", "")),
        subject=[Piece(str(subject))] if subject else [],
        text=[Piece(str(text))] if text else [],
        state=letter.state,
        sent_files=files,
    )
