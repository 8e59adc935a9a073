"""The doors by which mail leaves: a relay by SMTP, or files in a Maildir where no relay is configured."""

import asyncio
import contextlib
import os
import re
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import aiosmtplib

from itaca.contracts.ids import OutboxId
from itaca.errors import PermanentError, TransientError
from services.courier.settings import CourierSettings

_QUIT_TIMEOUT_S = 2.0
_NOT_YET_LET_IN = 530
_LONGEST_NAME = 120


class AnswerLostError(TransientError):
    """The relay fell silent after the final dot: the mail may have left (RFC 1047)."""


class Door(Protocol):
    """Something that takes responsibility for a mail."""

    is_idempotent: bool
    """True where delivering the same entry twice leaves one mail."""

    async def deliver(self, entry: OutboxId, message: EmailMessage, sender: str, recipient: str) -> None:
        """Return when the mail is somebody else's responsibility.

        Args:
            sender: the envelope sender; empty for the null reverse-path.

        Raises:
            TransientError: refused for now, or unreachable; AnswerLostError: perhaps accepted.
            PermanentError: refused for good.
        """
        ...


class RelayDoor:
    """Delivers through one mail server; one connection for each mail, which a local relay answers in milliseconds."""

    is_idempotent = False

    def __init__(self, settings: CourierSettings) -> None:
        self._settings = settings

    async def deliver(self, entry: OutboxId, message: EmailMessage, sender: str, recipient: str) -> None:
        client = self._client()
        try:
            await self._connect(client)
            await _transfer(client, bytes(message), sender, recipient)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_QUIT_TIMEOUT_S)
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        """Return a client; TLS is used where it is offered, as mail servers do among themselves (RFC 7435).

        Most relays have a certificate that nobody vouches for. It has to hold only where somebody insists on TLS, or
        where a password is to be said.
        """
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.relay_host,
            port=settings.relay_port,
            timeout=settings.relay_timeout_s,
            start_tls=True if settings.relay_starttls else None,
            validate_certs=settings.relay_starttls or bool(settings.relay_user),
            username=settings.relay_user or None,
            password=settings.relay_password.get_secret_value() or None,
        )

    @staticmethod
    async def _connect(client: aiosmtplib.SMTP) -> None:
        """Connect, STARTTLS, AUTH: whatever fails here says something about the relay and nothing about the mail."""
        try:
            await client.connect()
        except aiosmtplib.SMTPResponseException as error:
            raise TransientError(f"the mail server does not talk to us ({error.code})") from error
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message
            raise TransientError(f"the certificate of the mail server does not hold ({why})") from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise TransientError(f"the mail server cannot be reached ({type(error).__name__})") from error


async def _transfer(client: aiosmtplib.SMTP, message: bytes, sender: str, recipient: str) -> None:
    """Hand one mail over; from the first byte of its text on, silence means that it may have left (RFC 1047)."""
    has_begun = False
    try:
        await client.mail(sender)
        await client.rcpt(recipient)
        ready = await client.execute_command(b"DATA")
        if ready.code != aiosmtplib.SMTPStatus.start_input:
            raise _refusal(ready.code)
        has_begun = True
        answer = await _send_text(client, message)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            raise _refusal(answer.code)
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code) from error
    except ValueError as error:
        raise PermanentError("the address cannot be said in SMTP") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        if has_begun:
            raise AnswerLostError("the mail server fell silent after the mail was sent") from error
        raise TransientError(f"the mail server went away ({type(error).__name__})") from error


async def _send_text(client: aiosmtplib.SMTP, message: bytes) -> aiosmtplib.SMTPResponse:
    """Send the text with its dots doubled and the final dot (RFC 5321, 4.5.2), and return the answer."""
    if client.protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("the connection was lost")
    text = message if message.endswith(b"\r\n") else message + b"\r\n"
    client.protocol.write(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n")
    return await client.protocol.read_response(timeout=client.timeout)


class MaildirDoor:
    """Writes each mail into ``<folder>/<box>`` as one file; the name comes from the entry, so twice is once."""

    is_idempotent = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def deliver(self, entry: OutboxId, message: EmailMessage, sender: str, recipient: str) -> None:
        try:
            await asyncio.to_thread(self._write, entry, bytes(message), recipient)
        except OSError as error:
            raise TransientError(f"the outbox folder cannot be written ({error.strerror})") from error

    def _write(self, entry: OutboxId, message: bytes, recipient: str) -> None:
        name = re.sub(r"[^A-Za-z0-9@._+-]", "_", recipient).lstrip(".")[:_LONGEST_NAME]
        box = self._folder / (name or "nobody")
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(parents=True, exist_ok=True)
        if next((box / "cur").glob(f"{entry}.itaca*"), None) is not None:
            return  # Somebody has seen it already, whatever flags their reader gave it.
        temporary = box / "tmp" / f"{entry}.itaca"
        with temporary.open("wb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(box / "new" / f"{entry}.itaca")
        folder = os.open(box / "new", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def open_door(settings: CourierSettings, data_dir: Path) -> Door:
    """Return the relay if one is configured, else files below the data folder."""
    return RelayDoor(settings) if settings.relay_host else MaildirDoor(data_dir / "outbox")


def _refusal(code: int) -> TransientError | PermanentError:
    """A 5xx answer is for good; the text of an answer may quote addresses, so only its code is kept.

    But 530 asks for TLS or a password first (RFC 3207, 4; RFC 4954, 6): it refuses us, and no mail.
    """
    if code >= 500 and code != _NOT_YET_LET_IN:
        return PermanentError(f"the mail server refused it with {code}")
    return TransientError(f"the mail server put it off with {code}")
