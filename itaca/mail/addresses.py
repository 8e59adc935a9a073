"""Address headers and Message-IDs, read by a loop that no nesting, length or missing bracket can break."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from itaca.mail.charsets import decode_text
from itaca.mail.defects import Defects
from itaca.mail.encoded_words import clean_line, decode_header
from itaca.mail.limits import DEFAULT_LIMITS, Limits

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[()<>,;:]|\\.|[^"()<>,;:\\]+', re.DOTALL)
_ADDRESS = re.compile(r"^[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>(),;:\\\"]{1,255}$")
_LOOSE_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"']{1,64}@[^\s@<>()\[\],;:\\\"']{1,255}")
_MESSAGE_ID = re.compile(r"<\s{0,5}([^<>\s]{1,900})\s{0,5}>")
_MAX_NAME_CHARS = 200
_MAX_ADDRESS_CHARS = 320


class Address(NamedTuple):
    """One mailbox: display name (decoded, one line) and address in lower case; either may be empty."""

    name: str
    address: str


def read_addresses(value: bytes, limits: Limits = DEFAULT_LIMITS, defects: Defects | None = None) -> list[Address]:
    """Read an address list (RFC 5322, 3.4): names, groups, comments of any depth, and what people make of it.

    An address inside angle brackets always wins over one in the name before it, which anybody can write.
    """
    notes = defects if defects is not None else Defects()
    text = value.decode("ascii") if value.isascii() else decode_text(value).text
    found: list[Address] = []
    for words, angle, comment in _mailboxes(text):
        if len(found) >= limits.addresses:
            notes.limit("addresses")
            break
        mailbox = _mailbox(words, angle, comment, limits, notes)
        if mailbox.name or mailbox.address:
            found.append(mailbox)
    return found


def clean_address(text: str) -> str:
    """Return an address in lower case without brackets, or ``""`` if it is none."""
    candidate = text.strip().strip("<>").strip().lower()[: _MAX_ADDRESS_CHARS + 1]
    return candidate if _ADDRESS.match(candidate) and candidate.isprintable() else ""


def domain_of(address: str) -> str:
    """Return the domain of an address, or ``""``."""
    return address.rpartition("@")[2].rstrip(".") if "@" in address else ""


def without_tag(address: str) -> str:
    """Return the address without its plus tag: ``info+abc@shop.example`` is ``info@shop.example``."""
    local, at, domain = address.rpartition("@")
    return local.partition("+")[0] + at + domain


def read_message_ids(value: bytes, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Return the Message-IDs of a field with their brackets: the first, and the newest up to the limit."""
    text = clean_line(decode_text(value).text)
    found = [f"<{match}>" for match in _MESSAGE_ID.findall(text)]
    if not found:
        found = [f"<{word.strip('<>')}>" for word in text.split()[:1] if "@" in word and len(word) <= 900]
    return found if len(found) <= limits.message_ids else [found[0], *found[-(limits.message_ids - 1) :]]


class _Scanner:
    """Collects the pieces of one mailbox; a loop with a counter, where a parser would recurse."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comments: list[str] = []
        self.angle: list[str] | None = None
        self._depth = 0
        self._is_in_angle = False

    def feed(self, piece: str) -> bool:
        """Take in one lexical piece; return True when it ends the mailbox."""
        if piece in "()" or self._depth:
            self._comment(piece)
        elif piece in "<>":
            self._is_in_angle = piece == "<"
            if self._is_in_angle and not self.angle:
                self.angle = []
        elif self._is_in_angle and self.angle is not None:
            self.angle.append(piece)
        elif piece == ":":
            self.words = []  # the name of a group, RFC 5322, 3.4
        elif piece in ",;":
            return True
        else:
            self.words.append(piece)
        return False

    def _comment(self, piece: str) -> None:
        if piece == "(":
            self._depth += 1
        elif piece == ")":
            self._depth = max(0, self._depth - 1)
        else:
            self.comments.append(piece)


def _mailboxes(text: str) -> Iterator[tuple[list[str], str | None, str]]:
    """Cut an address list at its commas; yield the words, the text in angle brackets and the comment of each."""
    scanner = _Scanner()
    for match in _TOKEN.finditer(text):
        if scanner.feed(match.group()):
            yield _collected(scanner)
            scanner = _Scanner()
    yield _collected(scanner)


def _collected(scanner: _Scanner) -> tuple[list[str], str | None, str]:
    return scanner.words, None if scanner.angle is None else "".join(scanner.angle), " ".join(scanner.comments)


def _mailbox(words: list[str], angle: str | None, comment: str, limits: Limits, defects: Defects) -> Address:
    plain = " ".join(_unquoted(word) for word in words).strip()
    if angle is not None:
        # A source route <@a,@b:c@d> is obsolete; the mailbox stands after its colon.
        return Address(_name(plain or comment, limits, defects), clean_address(angle.rpartition(":")[2]))
    address = clean_address(plain)
    if address:
        return Address(_name(comment, limits, defects), address)
    loose = _LOOSE_ADDRESS.search(plain[:2_000])
    address = clean_address(loose.group()) if loose else ""
    return Address(_name(plain if not address else comment, limits, defects), address)


def _unquoted(word: str) -> str:
    stripped = word.strip()
    if not stripped.startswith('"'):
        return stripped
    inner = stripped[1:-1] if len(stripped) > 1 and stripped.endswith('"') else stripped[1:]
    return re.sub(r"\\(.)", r"\1", inner)


def _name(text: str, limits: Limits, defects: Defects) -> str:
    return decode_header(text, limits, defects)[:_MAX_NAME_CHARS].strip() if text else ""
