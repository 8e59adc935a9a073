"""Every shared mail is read: none raises, none takes long, and what is unreadable says why."""

import time

from itaca.clock import SystemClock
from itaca.contracts.codec import encode
from itaca.contracts.events import MailReceived
from itaca.contracts.ids import MailId
from itaca.mail.model import Envelope, MailText
from itaca.mail.read import extract_attachments, read_mail
from itaca.mail.written import written_text
from tests.support.require import require
from tests.support.shared import SHARED

ENVELOPE = Envelope(sender="customer@example.org", recipients=("info@shop.example",))
MAX_SECONDS = 2.0


def test_every_shared_file_is_read() -> None:
    """All files, the expected results among them, are read within two processor seconds each and survive JSON."""
    folder = SHARED / "data" / "eml"
    if not folder.is_dir():
        require("shared", "the shared mail (../shared/data/eml) is not beside this repository")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    now = SystemClock().now()
    problems: list[str] = []
    for path in paths:
        raw = path.read_bytes()
        start = time.process_time()
        text = read_mail(raw, ENVELOPE)
        written = written_text(text)
        if time.process_time() - start > MAX_SECONDS:
            problems.append(f"{path.name}: slow")
        encode(MailReceived(mail_id=MailId(path.name), received_at=now, text=written))
        problems += [f"{path.name}: {problem}" for problem in _problems(raw, text)]
    assert len(paths) > 1_000
    assert problems == []


def _problems(raw: bytes, text: MailText) -> list[str]:
    found: list[str] = []
    encoded = text.model_dump_json()
    if "\\u0000" in encoded.replace("\\\\", "") or MailText.model_validate_json(encoded) != text:
        found.append("does not survive JSON")
    if "reading:failed" in text.defects:
        found.append("fell back on the last resort")
    if not text.is_readable and not text.defects:
        found.append("is unreadable without a reason")
    if [attachment for attachment, _ in extract_attachments(raw)] != list(text.attachments):
        found.append("lists other files than can be extracted")
    return found
