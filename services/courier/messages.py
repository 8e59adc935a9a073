"""The letters: acknowledgements to customers, notices to colleagues, hand-offs to other systems' mailboxes.

Acknowledgements follow RFC 3834: Auto-Submitted, threading headers, no quoted text, a null envelope sender (which
the door that sends them sets), and a Message-ID by which a reply to them is known and never acknowledged again.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from itaca.cases.interactions import RecordedFile
from itaca.cases.people import Person
from itaca.contracts.ids import OutboxId
from itaca.errors import PermanentError
from itaca.mail.acknowledgement import LOOP_HEADER, REPLY_PREFIX
from itaca.mail.reply_address import ReplyAddresses, without_token
from itaca.storage.letters import Context, Matter
from services.courier.texts import Texts, staff_texts, texts_for

_ADDRESS = re.compile(r"[!#-'*+/-9=?A-Z^-~.-]{1,64}(?:@[A-Za-z0-9._:\[\]-]{1,255})?")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_MOST_SUBJECT = 120
_MOST_NAME = 100
_MOST_FILE_NAME = 150
_TOKEN = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}")
_MOST_QUOTED = 4_000
_MOST_QUOTED_LINES = 40


class _LetterPolicy(EmailPolicy):
    """Message ids stand one a line, as they are: the standard policy would encode those longer than a line, and no
    mail program would know them again (RFC 5322, 2.1.1, allows lines of 998).
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in ("references", "in-reply-to", "message-id"):
            return (f"{name}: " + f"{self.linesep} ".join(str(value).split()) + self.linesep).encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _LetterPolicy(linesep=SMTP.linesep, max_line_length=78)


class Letters:
    """Writes the letters of one organisation.

    Args:
        from_address: sender of all letters; empty: the address that the customer wrote to.
        evidence_address: where evidence goes; empty: the same.
        addresses: make the reply address of an answer carry its case; None: it is answered at the sender's.
    """

    def __init__(
        self,
        organisation: str,
        from_address: str,
        evidence_address: str,
        zone: ZoneInfo,
        addresses: ReplyAddresses | None = None,
    ) -> None:
        self._organisation, self._from, self._evidence = organisation, from_address, evidence_address
        self._zone, self._addresses = zone, addresses

    def acknowledgement(self, entry: OutboxId, recipient: str, context: Context, now: datetime) -> EmailMessage:
        """Return the one answer to a mail, for all its matters."""
        texts = texts_for(context.text.language, self._zone)
        sender = self._sender(context)
        body = [texts.say("greeting"), "", self._received(texts, context), ""]
        for matter in context.matters:
            body += [*self._matter(texts, matter), ""]
        body += [texts.say("evidence", address=self._evidence or sender), "", texts.say("automatic"), ""]
        body += [self._organisation]
        message = self._new(sender, recipient, self._subject(context), now)
        message["Message-ID"] = f"<ack.{context.mail.id}.{entry}@{_domain(sender)}>"
        message["Auto-Submitted"] = "auto-replied"
        self._thread(message, context)
        message.set_content("\n".join(body), cte="quoted-printable")
        return message

    def notice(self, entry: OutboxId, person: Person, event: str, context: Context, now: datetime) -> EmailMessage:
        """Return what a colleague must know about a case, with the customer's words."""
        texts = staff_texts(person.languages, self._zone)
        matter = context.matters[0]
        title = texts.say(f"notice.{event}", owner=matter.owner)
        due = texts.weekday(matter.due_at) if matter.due_at else "-"
        body = [title, "", f"{texts.say('kind.' + matter.kind.value)}: {matter.reference}"]
        body += [f"{texts.say('notice.customer')}: {matter.customer}", f"{texts.say('notice.due')}: {due}"]
        body += [f"{texts.say('notice.why')}: {reason}" for reason in matter.reasons]
        body += ["", f"{texts.say('notice.wrote')}: {context.text.subject}", ""]
        body += [f"> {line}" for line in context.text.new_text[:_MOST_QUOTED].split("\n")[:_MOST_QUOTED_LINES]]
        sender = self._sender(context)
        message = self._new(sender, person.email, f"[{matter.reference}] {title}", now)
        message["Message-ID"] = f"<notice.{entry}@{_domain(sender)}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join(body), cte="quoted-printable")
        return message

    def reply(
        self,
        entry: OutboxId,
        recipient: str,
        subject: str,
        text: str,
        context: Context,
        now: datetime,
        files: Sequence[RecordedFile] = (),
    ) -> EmailMessage:
        """Return a person's answer to the mail of the context: a letter like any other, in the customer's thread."""
        sender = self._sender(context)
        reference = context.matters[0].reference
        named = subject if reference in subject else f"{_clean(subject)[:80]} [{reference}]"
        message = self._head(sender, recipient, named, now)
        message["Message-ID"] = f"<{REPLY_PREFIX}{context.mail.id}.{entry}@{_domain(sender)}>"
        if self._addresses is not None:
            tagged = self._addresses.tagged(sender, reference)
            message["Reply-To"] = _address(tagged, _clean(self._organisation)[:_MOST_NAME])
        self._thread(message, context)
        message.set_content(text, cte="quoted-printable")
        for file in files:
            _attach(message, file)
        return message

    def daily_list(
        self, entry: OutboxId, person: Person, count: int, context: Context, now: datetime
    ) -> EmailMessage:
        """Return the list of cases that nobody is left to take, for whoever stands at the top."""
        texts = staff_texts(person.languages, self._zone)
        title = texts.say("daily_list.title", count=str(count))
        body = [title, "", texts.say("daily_list.why"), ""]
        for matter in context.matters:
            due = texts.weekday(matter.due_at) if matter.due_at else "-"
            body += [f"{matter.reference}  {texts.say('kind.' + matter.kind.value)}, {matter.customer}"]
            body += [f"    {texts.say('notice.due')}: {due}; {texts.say('owner', owner=matter.owner)}"]
        if count > len(context.matters):
            body += ["", texts.say("daily_list.more", count=str(count - len(context.matters)))]
        sender = self._sender(context)
        message = self._new(sender, person.email, title, now)
        message["Message-ID"] = f"<daily.{entry}@{_domain(sender)}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join(body), cte="quoted-printable")
        return message

    def handoff(self, entry: OutboxId, mailbox: str, event: bytes, context: Context, now: datetime) -> EmailMessage:
        """Return a letter to another system's mailbox: the customer's words, and the event as JSON beside them."""
        matter = context.matters[0]
        sender = self._sender(context)
        message = self._new(sender, mailbox, f"[{matter.reference}] {matter.kind.value}: {context.text.subject}", now)
        message["Message-ID"] = f"<handoff.{entry}@{_domain(sender)}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Itaca-Case"] = matter.reference
        message.set_content(context.text.new_text, cte="quoted-printable")
        message.add_attachment(event, maintype="application", subtype="json", filename=f"{matter.kind.value}.json")
        return message

    def _new(self, sender: str, recipient: str, subject: str, now: datetime) -> EmailMessage:
        """Return the head of a letter that no machine shall answer."""
        message = self._head(sender, recipient, subject, now)
        message["X-Auto-Response-Suppress"] = "All"
        message[LOOP_HEADER] = _domain(sender)
        return message

    def _head(self, sender: str, recipient: str, subject: str, now: datetime) -> EmailMessage:
        message = EmailMessage(_POLICY)
        message["From"] = _address(sender, _clean(self._organisation)[:_MOST_NAME])
        message["To"] = _address(recipient)
        message["Subject"] = _clean(subject)[:_MOST_SUBJECT]
        message["Date"] = format_datetime(now)
        return message

    def _sender(self, context: Context) -> str:
        written_to = context.mail.envelope.recipients
        return self._from or (without_token(written_to[0]) if written_to else "") or "itaca@localhost"

    def _subject(self, context: Context) -> str:
        reference = context.matters[0].reference
        subject = re.sub(
            r"^(?:(?:re|r|aw|rif|i|fwd?)\s*:\s*)+", "", _clean(context.text.subject), flags=re.IGNORECASE
        )
        return f"Re: {subject[:80]} [{reference}]" if subject else f"Re: [{reference}]"

    def _received(self, texts: Texts, context: Context) -> str:
        at = context.mail.received_at
        return texts.say("received", date=texts.date(at), time=texts.time(at))

    def _matter(self, texts: Texts, matter: Matter) -> list[str]:
        kind = matter.kind.value
        owner = matter.owner or texts.say("order_system")
        lines = [f"{texts.say('kind.' + kind)} ({texts.say('reference', reference=matter.reference)})"]
        lines += [f"  {texts.say('owner', owner=owner)}"]
        if matter.due_at is not None and matter.promise is not None:
            lines += [f"  {texts.say('until.' + matter.promise.value, due=texts.weekday(matter.due_at))}"]
        if matter.receipt:
            lines += [f"  {texts.say('receipt', address=matter.receipt)}"]
        return lines

    def _thread(self, message: EmailMessage, context: Context) -> None:
        ids = [i for i in (*context.text.references, context.text.message_id) if _MESSAGE_ID.fullmatch(i)]
        if ids and ids[-1] == context.text.message_id:
            message["In-Reply-To"] = ids[-1]
        if ids:
            message["References"] = " ".join(dict.fromkeys(ids[-10:]))


def _clean(text: str) -> str:
    """Return text that may stand in a header: one line, no controls, no bidirectional tricks, no encoded word.

    The standard library decodes what looks like an encoded word in a value it is given (RFC 2047), and line ends may
    hide in one: a customer's subject could add headers to our letter.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).replace("=?", "= ?").split())


def _attach(message: EmailMessage, file: RecordedFile) -> None:
    """Add a file as it is, under its name (RFC 2183; RFC 2231 where the name is not plain).

    Messages and containers travel as bytes too: their types forbid base64 (RFC 2046, 5.2.1), and nobody else's
    structure becomes part of ours.
    """
    main, _, sub = file.content_type.partition(";")[0].strip().lower().partition("/")
    if not (_TOKEN.fullmatch(main) and _TOKEN.fullmatch(sub)) or main in ("message", "multipart"):
        main, sub = "application", "octet-stream"
    name = _clean(file.name)[:_MOST_FILE_NAME] or "file"
    message.add_attachment(file.content, maintype=main, subtype=sub, filename=name)


def ascii_address(address: str) -> str:
    """Return the address as every mail server understands it: its domain in IDNA (RFC 5891).

    Raises:
        PermanentError: it cannot be said without SMTPUTF8, or it is no address.
    """
    local, at, domain = address.rpartition("@")
    try:
        plain = f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise PermanentError("the domain of the address is none") from error
    if not _ADDRESS.fullmatch(plain) or "=?" in plain:
        raise PermanentError("the address cannot be written to: it holds characters that mail servers refuse")
    return plain


def return_path(message: EmailMessage) -> str:
    """Return the address to which a bounce of this letter goes: its sender's."""
    return str(message["From"].addresses[0].addr_spec)


def _domain(address: str) -> str:
    return ascii_address(address).rpartition("@")[2] or "localhost"


def _address(address: str, name: str = "") -> Address:
    local, _, domain = ascii_address(address).rpartition("@")
    return Address(display_name=name, username=local or domain, domain=domain if local else "localhost")
