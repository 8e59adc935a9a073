"""The doors by which mail leaves: a relay by SMTP, or files in a Maildir where no relay is configured."""

import asyncio
import os
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import aiosmtplib

from itaca.contracts.ids import OutboxId
from itaca.errors import PermanentError, TransientError
from services.courier.settings import CourierSettings


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
        client = aiosmtplib.SMTP(
            hostname=self._settings.relay_host,
            port=self._settings.relay_port,
            timeout=self._settings.relay_timeout_s,
            start_tls=True if self._settings.relay_starttls else None,
            username=self._settings.relay_user or None,
            password=self._settings.relay_password.get_secret_value() or None,
        )
        has_begun = False
        try:
            await client.connect()
            await client.mail(sender)
            await client.rcpt(recipient)
            has_begun = True
            await client.data(bytes(message))
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if has_begun:
                raise AnswerLostError("the mail server fell silent after the mail was sent") from error
            raise TransientError(f"the mail server cannot be reached ({type(error).__name__})") from error
        finally:
            client.close()


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
        box = self._folder / (re.sub(r"[^A-Za-z0-9@._+-]", "_", recipient).lstrip(".") or "nobody")
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(parents=True, exist_ok=True)
        if (box / "cur" / f"{entry}.itaca:2,S").exists():
            return
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
    """A 5xx answer is for good; the text of an answer may quote addresses, so only its code is kept."""
    if code >= 500:
        return PermanentError(f"the mail server refused it with {code}")
    return TransientError(f"the mail server put it off with {code}")
