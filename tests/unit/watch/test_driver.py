"""What was read is published again, what was not is read first."""

import random
from collections.abc import Sequence

from sqlalchemy import text

from itaca.contracts.ids import MailId
from itaca.dispatch import Arrival, ReadMailRow
from itaca.storage.mails import load_mails, load_texts
from services.watch.driver import Driver
from tests.support.case_facts import mail_text
from tests.support.routed import Desk


class NotingDispatcher:
    """Notes what would be read and published."""

    def __init__(self) -> None:
        self.again: list[MailId] = []
        self.groups: list[list[Arrival]] = []

    async def redispatch(self, rows: Sequence[ReadMailRow]) -> int:
        self.again += [row.mail_id for row in rows]
        return len(rows)

    async def dispatch(self, arrivals: Sequence[Arrival]) -> int:
        self.groups.append(list(arrivals))
        return len(arrivals)


async def drive(desk: Desk, mail_ids: list[MailId]) -> NotingDispatcher:
    dispatcher = NotingDispatcher()
    read = desk.ledger.database.read
    rows, texts = await read(lambda c: load_mails(c, mail_ids)), await read(lambda c: load_texts(c, mail_ids))
    await Driver(desk.ledger.database, dispatcher).drive([rows[i] for i in mail_ids], texts)  # type: ignore[arg-type]
    return dispatcher


async def test_read_mail_is_published_and_unread_mail_is_read(desk: Desk) -> None:
    """The raw bytes of the unread one come from the ledger as they were accepted."""
    read, unread = await desk.take(mail_text()), await desk.ledger.accept(b"raw\x00bytes")
    found = await drive(desk, [read, unread])
    assert found.again == [read]
    assert [(a.mail_id, a.raw) for group in found.groups for a in group] == [(unread, b"raw\x00bytes")]


async def test_raw_mails_are_held_in_groups(desk: Desk) -> None:
    """Fifty unread mails never lie in memory all at once."""
    rng = random.Random(2)
    mails = [await desk.ledger.accept(rng.randbytes(20)) for _ in range(50)]
    assert [len(group) for group in (await drive(desk, mails)).groups] == [20, 20, 10]


async def test_lm28_a_damaged_mail_keeps_no_other_waiting(desk: Desk) -> None:
    """LM28: bytes that cannot be unpacked are passed over; the third strike brings them to a person."""
    good, bad = await desk.ledger.accept(b"good"), await desk.ledger.accept(b"bad")

    def damage(c) -> None:
        c.execute(text("DROP TRIGGER raw_mails_unchanged"))
        c.execute(text("UPDATE raw_mails SET raw = x'00' WHERE mail_id = :i"), {"i": bad})

    await desk.ledger.database.write(damage)
    found = await drive(desk, [bad, good])
    assert [a.mail_id for group in found.groups for a in group] == [good]
