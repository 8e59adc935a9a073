"""Labels from the folders of an IMAP account: read, never changed, not even marked as seen.

In:     ``imaps://user@host[:port]/FOLDER=labels`` and a password.
Out:    one labelled row for each mail of the folder.
Fails:  PermanentError for a wrong address, password or folder; TransientError while the server is away.
"""

import base64
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from itaca.errors import PermanentError, TransientError
from services.classifier.sources import read_raw
from services.classifier.training.label_sources import labelled_mail, labels_named

TIMEOUT_S = 60.0
IMAP_PORT, IMAPS_PORT = 143, 993
LARGEST_MAIL_BYTES = 36_700_160
"""What ingest takes by default; of a larger mail only so much is fetched."""
_ATOM = re.compile(r'[^\x00-\x20\x7f-\uffff"(){}%*\\]+')
"""What may stand in a command without quotes (RFC 3501, 9); the standard library quotes only the password."""
_NOT_PLAIN = re.compile("[^\x20-\x7e]+")


@dataclass(frozen=True)
class ImapFolder:
    """One folder of an account, and what all mails in it are."""

    user: str
    host: str
    port: int
    is_encrypted: bool
    folder: str
    labels: tuple[str, ...]


def parse_folder(address: str) -> ImapFolder:
    """Return the folder that ``imaps://user@host[:port]/FOLDER=labels`` names; user and folder may be %-encoded.

    Raises:
        PermanentError: it is no such address, holds a password, or would send one in the clear over a network.
    """
    url, _, labels = address.rpartition("=")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PermanentError(f"no IMAP address: {error}") from error
    if parts.password is not None:
        raise PermanentError("a password does not belong in the address: use --password-file, or type it")
    folder = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("imap", "imaps") or not (parts.username and parts.hostname and folder):
        raise PermanentError(f"{address!r} is not of the form imaps://user@host/FOLDER=complaint")
    user = unquote(parts.username)
    if not _ATOM.fullmatch(user):
        raise PermanentError("the user's name holds blanks, quotes or control characters")
    is_encrypted = parts.scheme == "imaps"
    if not is_encrypted and not _is_this_machine(parts.hostname):
        raise PermanentError("imap:// sends the password in the clear: use imaps://")
    default = IMAPS_PORT if is_encrypted else IMAP_PORT
    named = tuple(labels_named(labels))
    return ImapFolder(user, parts.hostname, port or default, is_encrypted, folder, named)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def labelled_in(place: ImapFolder, password: str) -> Iterator[dict[str, Any]]:
    """Yield the mails of the folder as labelled rows, in the order of the folder.

    Raises:
        PermanentError: the server refuses the password or the folder, or its certificate is not trusted.
        TransientError: the server cannot be reached, or hangs up.
    """
    try:
        with _connected(place) as server:
            server.login(place.user, password)
            for number, raw in _mails(server, place.folder):
                yield labelled_mail(read_raw(f"{place.folder}:{number}", raw), place.labels)
    except imaplib.IMAP4.abort as error:
        raise TransientError(f"{place.host} hung up: {error}") from error
    except imaplib.IMAP4.error as error:
        raise PermanentError(f"{place.host} refuses: {error}") from error
    except ssl.SSLCertVerificationError as error:
        raise PermanentError(f"{place.host} is not who it says: {error.verify_message}") from error
    except OSError as error:
        raise TransientError(f"{place.host} cannot be reached: {error}") from error


@contextmanager
def _connected(place: ImapFolder) -> Iterator[imaplib.IMAP4]:
    server = _connect(place)
    try:
        yield server
    finally:
        # No LOGOUT: a folder that was only read needs none, and waiting for its answer leaks a broken connection.
        server.shutdown()


def _connect(place: ImapFolder) -> imaplib.IMAP4:
    if place.is_encrypted:
        # Without a context of its own imaplib checks no certificate before Python 3.13.
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=context, timeout=TIMEOUT_S)
    return imaplib.IMAP4(place.host, place.port, timeout=TIMEOUT_S)


def _mails(server: imaplib.IMAP4, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield number (UID) and bytes of each mail; EXAMINE and PEEK leave everything as it is (RFC 3501, 6.3.2)."""
    status, answer = server.select(f'"{encode_name(folder)}"', readonly=True)
    if status != "OK":
        raise imaplib.IMAP4.error(f"folder {folder}: {_words(answer)}")
    _, found = server.uid("SEARCH", "ALL")
    for number in (found[0] or b"").split():
        uid = number.decode("ascii")
        _, parts = server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST_MAIL_BYTES}>)")
        bodies = [part[1] for part in parts if isinstance(part, tuple)]
        # Somebody may delete a mail while we read the folder: its answer is empty.
        if bodies:
            yield uid, bodies[0]


def encode_name(folder: str) -> str:
    """Return a folder's name as IMAP spells it, in modified UTF-7 (RFC 3501, 5.1.3), quoted characters escaped."""
    plain = folder.replace("&", "&-")
    shifted = _NOT_PLAIN.sub(lambda found: f"&{_shifted(found[0])}-", plain)
    return shifted.replace("\\", "\\\\").replace('"', '\\"')


def _shifted(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")


def _words(answer: list[Any]) -> str:
    return " ".join(part.decode("utf-8", "replace") for part in answer if isinstance(part, bytes))
