"""What is fuzzed, and what must hold for every input: each target takes bytes and raises when a rule is broken."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from itaca.contracts.codec import encode
from itaca.contracts.events import MAX_TEXT_BYTES, MailReceived
from itaca.contracts.ids import MailId
from itaca.mail.model import Envelope, MailText
from itaca.mail.quotes import split_quotes
from itaca.mail.read import extract_attachments, read_mail
from itaca.mail.written import encoded_bytes, written_text
from tests.fuzz.wire import REPLY, Heard, converse

MAX_CPU_S = 4.0
"""CPU that one input may cost, instrumented for coverage, which makes everything several times slower."""
_ENVELOPE = Envelope(sender="mario@example.org", recipients=("info@shop.example",))
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class BrokenRuleError(AssertionError):
    """An input for which something does not hold that holds for every mail."""


def parser(data: bytes) -> None:
    """A whole mail: reading is total, ends in valid text that fits its event, and agrees with the files it lists."""
    began_s = time.process_time()
    text = read_mail(data, _ENVELOPE)
    files = extract_attachments(data)
    written = written_text(text)
    encode(MailReceived(mail_id=MailId("m"), received_at=_NOW, text=written))
    _demand("reading:failed" not in text.defects, "the last resort was needed")
    encoded = text.model_dump_json()
    _demand("\\u0000" not in encoded.replace("\\\\", ""), "NUL in a text")
    _demand(MailText.model_validate_json(encoded) == text, "the text does not survive JSON")
    _demand([file for file, _ in files] == list(text.attachments), "other files are extracted than are listed")
    used = sum(map(encoded_bytes, (written.subject, written.new_text, written.quoted_text)))
    _demand(used <= MAX_TEXT_BYTES, "the event is too large")
    _demand(text.is_readable or bool(text.defects), "unreadable without a reason")
    _within_time(began_s)


def quotes(data: bytes) -> None:
    """A text: every line comes out once, in its part and in its order."""
    began_s = time.process_time()
    text = data.decode("utf-8", "replace").replace("\r", "")
    split = split_quotes(text)
    lines = sorted(_filled_lines(split.new_text) + _filled_lines(split.quoted_text))
    _demand(lines == sorted(_filled_lines(text)), "a line is lost or doubled")
    for part in split:
        _demand(_is_in_order(_filled_lines(part), _filled_lines(text)), "the order is changed")
    _within_time(began_s)


def smtp(data: bytes) -> None:
    """Commands and mails: replies are replies, nothing is 451 by accident, and packets mean nothing."""
    began_s = time.process_time()
    is_lmtp, wire = bool(data[:1] and data[0] & 1), data[1:]
    whole = converse([wire], is_lmtp)
    middle, quarter = len(wire) // 2, len(wire) // 4
    split = converse([wire[:quarter], wire[quarter:middle], wire[middle:]], is_lmtp)
    for heard in (whole, split):
        _check(heard, wire)
    _demand(whole.said == split.said, "the replies depend on the packets")
    _demand(whole.mails == split.mails, "the mails depend on the packets")
    _within_time(began_s)


def _check(heard: Heard, wire: bytes) -> None:
    _demand(not heard.errors, f"an error that nobody looked at: {heard.errors}")
    _demand(REPLY.sub(b"", heard.said) == b"", "something was said that is no reply")
    _demand(b"451 4.3.0 Local error" not in heard.said, "an error that nobody foresaw")
    _demand(b"Error" not in heard.said, "a text of the library")
    unstuffed = (b"\r\n" + wire).replace(b"\r\n.", b"\r\n")
    for envelope, raw in heard.mails:
        _demand(raw in unstuffed, "a mail that nobody sent")
        addresses = (envelope.sender, *envelope.recipients)
        _demand(not any(c < " " or c == "\x7f" for a in addresses for c in a), "a control character in an address")


def _filled_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


def _is_in_order(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(line in rest for line in part)


def _within_time(began_s: float) -> None:
    used_s = time.process_time() - began_s
    _demand(used_s <= MAX_CPU_S, f"{used_s:.1f} s of CPU")


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise BrokenRuleError(rule)


def quieten() -> None:
    """Let nothing be logged: a million conversations have nothing to tell."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)


TARGETS: dict[str, Callable[[bytes], None]] = {"parser": parser, "smtp": smtp, "quotes": quotes}
