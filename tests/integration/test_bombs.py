"""Mail made to exhaust us, from the ledger through the reading process to its outcome: a person looks.

Time and memory are bounded by limits of the kernel on the reading process, not by a look at the clock: a reading
that took more would be killed, and these are not.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.mail.model import Envelope, MailText
from itaca.mail.read import extract_attachments, read_mail
from itaca.readers import KILLED, ReaderLimits, Readers, ReadMail, Unread
from itaca.storage.mails import load_raw, save_texts
from itaca.storage.migrate import upgrade
from itaca.storage.routing import Waiting
from tests.support.bombs import BOMBS, READ_WHOLE, with_file, zip_bomb
from tests.support.ledger import open_ledger
from tests.support.mail_readers import read_or_die
from tests.support.routed import COMPLAINT, NOTHING, Desk

ENVELOPE = Envelope(sender="mario@example.org", recipients=("info@shop.example",))
TIGHT = ReaderLimits(wall_s=120.0, cpu_s=4, memory_bytes=1024 * 1024 * 1024)
"""Less than half of what the product grants; the wall clock is left to slow machines."""


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a ledger once; each test takes a copy."""
    path = tmp_path_factory.mktemp("bombs") / "itaca.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def desk(tmp_path: Path, empty_ledger: Path) -> AsyncIterator[Desk]:
    """Give a test a ledger of its own with two people in it."""
    shutil.copy(empty_ledger, tmp_path / "itaca.db")
    async with open_ledger(f"sqlite:///{tmp_path / 'itaca.db'}") as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        yield desk


async def read_in_process(
    desk: Desk, raw: bytes, read: ReadMail = read_mail, limits: ReaderLimits = TIGHT
) -> tuple[MailId, MailText]:
    """Accept a mail, read it in a process with tight limits, and keep its text."""
    mail_id = await desk.ledger.accept(raw)
    readers = Readers(read, limits)
    try:
        [text] = await readers.read([Unread(ENVELOPE, raw)])
    finally:
        await readers.close()
    await desk.ledger.database.write(lambda c: save_texts(c, [(mail_id, text)]))
    return mail_id, text


async def raw_of(desk: Desk, mail_id: MailId) -> bytes:
    return await desk.ledger.database.read(lambda c: load_raw(c, mail_id))


@pytest.mark.parametrize("name", BOMBS)
async def test_lm13_a_bomb_ends_as_a_review_with_its_bytes_kept(desk: Desk, name: str) -> None:
    """Read within the limits by a model that finds nothing in it, a bomb still reaches a person, bytes unchanged."""
    raw = BOMBS[name]()
    mail_id, text = await read_in_process(desk, raw)
    assert text != KILLED
    assert "reading:failed" not in text.defects
    routed = await desk.route(Waiting(mail_id, NOTHING))
    expected = MailOutcome.NOTED if name in READ_WHOLE else MailOutcome.REVIEW
    assert routed.outcomes == {mail_id: expected}
    assert [case.owner_id is not None for case in await desk.cases(CaseKind.REVIEW)] == [True] * (
        name not in READ_WHOLE
    )
    assert await raw_of(desk, mail_id) == raw
    assert not await desk.problems()


@pytest.mark.parametrize("deed", ["BURN", "EAT", "KILL", "RAISE"])
async def test_lm13_a_mail_that_kills_its_reader_ends_as_a_review(desk: Desk, deed: str) -> None:
    """Whatever nobody foresaw ends at the kernel's limits: the mail has its owner and its bytes."""
    raw = f"Subject: {deed}\r\n\r\n".encode()
    mail_id, text = await read_in_process(desk, raw, read_or_die, replace(TIGHT, cpu_s=1))
    assert not text.is_readable
    routed = await desk.route(Waiting(mail_id, NOTHING))
    assert routed.outcomes == {mail_id: MailOutcome.REVIEW}
    assert await raw_of(desk, mail_id) == raw


async def test_lm15_a_zip_bomb_is_evidence_that_nobody_opens(desk: Desk) -> None:
    """Beside a text a zip bomb is a file like others: listed by its size and hash as it came, never unpacked."""
    raw = with_file(zip_bomb(), text="Il pacco non è mai arrivato, in allegato le prove.")
    mail_id, text = await read_in_process(desk, raw)
    [(attachment, data)] = extract_attachments(await raw_of(desk, mail_id))
    assert data == zip_bomb()
    assert [attachment] == list(text.attachments)
    assert (attachment.size_bytes, attachment.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (await desk.route(Waiting(mail_id, COMPLAINT))).outcomes == {mail_id: MailOutcome.CASE}
