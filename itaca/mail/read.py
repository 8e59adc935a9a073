"""Bytes to the text a person wrote and the facts around it: the one door through which mail is read.

In:     the raw mail, its envelope, and what we know about ourselves (``ReadingRules``).
Out:    a ``MailText``; every string in it is valid Unicode without NUL, fit for JSON and PostgreSQL.
Fails:  never. What cannot be read is unreadable, with a defect that says why; a person looks.
"""

import re
from functools import cache

from itaca.mail.acknowledgement import Facts, acknowledgeable
from itaca.mail.addresses import read_message_ids
from itaca.mail.attachments import Attachments
from itaca.mail.authentication import Verdict, authentication_verdict
from itaca.mail.automatic import automatic_kind, original_message_id
from itaca.mail.certified import Certified, open_certified
from itaca.mail.charsets import clean_text
from itaca.mail.defects import Defects
from itaca.mail.encoded_words import clean_line
from itaca.mail.entities import find_entities
from itaca.mail.headers import Headers
from itaca.mail.language import language_of
from itaca.mail.limits import Limits
from itaca.mail.model import Attachment, AutomaticKind, CertifiedKind, Envelope, MailText
from itaca.mail.parts import Context
from itaca.mail.rules import ReadingRules
from itaca.mail.senders import Sender, copied_recipients, true_recipients, true_sender
from itaca.mail.structure import Part, read_structure
from itaca.mail.texts import ReadText, read_text
from itaca.mail.written import exceeds_event

_MAX_DATE_CHARS = 200
_REVERSES = re.compile("[\u202d\u202e]")
"""Overrides of the direction of writing: the text shown is not the text that stands there (UAX 9, 2.2)."""


def read_mail(raw: bytes, envelope: Envelope, rules: ReadingRules | None = None) -> MailText:
    """Read a mail. Never raises; bounded in time and memory by ``rules.limits``."""
    # The last resort: the promise that no mail is lost must not depend on our having foreseen every mail.
    try:
        return _read(raw, envelope, rules or _default_rules())
    except Exception:  # noqa: BLE001
        return _unreadable(envelope)


def extract_attachments(raw: bytes, rules: ReadingRules | None = None) -> list[tuple[Attachment, bytes]]:
    """Return the files of a mail with their decoded bytes, in the order and under the names of ``read_mail``.

    Never raises; a mail that cannot be read has no files.
    """
    try:
        limits = (rules or _default_rules()).limits
        defects = Defects()
        certified = open_certified(read_structure(raw, limits, defects), limits, defects)
        context = Context(limits, defects, Attachments(limits, defects, keep_data=True))
        read_text(certified.mail, context, is_history_wanted=True)
        return list(zip(context.files.found, context.files.data, strict=True))
    except Exception:  # noqa: BLE001
        return []


@cache
def _default_rules() -> ReadingRules:
    return ReadingRules()


def _read(raw: bytes, envelope: Envelope, rules: ReadingRules) -> MailText:
    limits = rules.limits
    defects = Defects()
    root = read_structure(raw, limits, defects)
    certified = open_certified(root, limits, defects)
    automatic = automatic_kind(root if certified.mail is root else certified.mail, envelope, rules)
    context = Context(limits, defects, Attachments(limits, defects))
    is_report = automatic in (AutomaticKind.BOUNCE, AutomaticKind.RECEIPT)
    text = read_text(certified.mail, context, is_history_wanted=not is_report)
    sender = true_sender(certified.mail.headers, envelope, rules, defects)
    if certified.mail is not root and not sender.address:
        sender = true_sender(root.headers, envelope, rules, defects)
    verdict = authentication_verdict(root.headers, _outer_from(root, certified, sender, envelope, rules), rules)
    facts = Facts(
        headers=certified.mail.headers if certified.kind is CertifiedKind.ENVELOPE else root.headers,
        envelope=envelope,
        automatic=automatic,
        certified=certified.kind,
        certified_sender=sender.address if certified.kind is CertifiedKind.ENVELOPE else "",
        is_report=root.content_type == "multipart/report",
        verdict=verdict,
        has_sure_sender=sender.is_sure,
    )
    address, reason = acknowledgeable(facts, rules)
    return _assemble(root, certified, automatic, text, sender, (address, reason, verdict), envelope, rules, context)


def _outer_from(root: Part, certified: Certified, sender: Sender, envelope: Envelope, rules: ReadingRules) -> str:
    """The address that DMARC judged: for a PEC envelope the provider's, which vouches for the writer inside."""
    if certified.mail is root:
        return sender.from_address
    return true_sender(root.headers, envelope, rules, Defects()).from_address


def _assemble(
    root: Part,
    certified: Certified,
    automatic: AutomaticKind,
    text: ReadText,
    sender: Sender,
    answer: tuple[str, str, Verdict],
    envelope: Envelope,
    rules: ReadingRules,
    context: Context,
) -> MailText:
    headers, defects, limits = certified.mail.headers, context.defects, rules.limits
    subject = _subject(headers, limits, defects)
    recipients = true_recipients(headers, envelope, rules, defects)
    message_ids = read_message_ids(headers.raw("message-id"), limits)
    defects.note("" if message_ids else "header:missing_message_id")
    defects.note("" if headers.text("date") else "header:missing_date")
    reply_to = read_message_ids(headers.raw("in-reply-to"), limits)
    is_report = automatic in (AutomaticKind.BOUNCE, AutomaticKind.RECEIPT)
    _note_unjudged((subject, text.new_text, text.quoted_text), defects)
    return MailText(
        subject=subject,
        new_text=text.new_text,
        quoted_text=text.quoted_text,
        language=language_of(f"{subject}\n{text.new_text or text.quoted_text}"),
        sender=sender.address,
        sender_name=sender.name,
        recipients=recipients,
        cc=copied_recipients(headers, rules, defects),
        message_id=message_ids[0] if message_ids else "",
        in_reply_to=reply_to[0] if reply_to else "",
        references=tuple(read_message_ids(headers.raw("references"), limits)),
        refers_to=original_message_id(root) if is_report else "",
        date=headers.text("date")[:_MAX_DATE_CHARS],
        automatic=automatic,
        certified=certified.kind,
        authenticated=answer[2] is Verdict.PASS and certified.kind is not CertifiedKind.ANOMALY,
        reply_to_address=answer[0],
        suppressed_because=answer[1],
        entities=find_entities(subject, text.new_text, recipients, rules.patterns, limits),
        attachments=tuple(context.files.found),
        defects=tuple(defects),
        is_html_only=text.is_html_only,
        is_readable=text.is_readable,
    )


def _subject(headers: Headers, limits: Limits, defects: Defects) -> str:
    subject = headers.text("subject")
    defects.note("header:several_subjects" if len(set(headers.raws("subject"))) > 1 else "")
    if len(subject) > limits.subject_chars:
        defects.limit("subject_chars")
    return clean_line(subject[: limits.subject_chars])


def _note_unjudged(texts: tuple[str, ...], defects: Defects) -> None:
    """Note where people see another text than the classifier will."""
    if any(_REVERSES.search(text) for text in texts):
        defects.note("text:reversed")
    if exceeds_event(*texts):
        defects.limit("judged_bytes")


def _unreadable(envelope: Envelope) -> MailText:
    sender = clean_line(clean_text(envelope.sender))[:320].lower()
    return MailText(
        sender=sender,
        suppressed_because="the mail could not be read",
        defects=("reading:failed",),
        is_readable=False,
    )
