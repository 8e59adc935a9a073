"""What the books and the trace must say on every database."""

from datetime import timedelta

from sqlalchemy import insert, select, text, update

from itaca.contracts.intents import MailOutcome, OutboxKind, OutboxState
from itaca.mail.model import MailText
from itaca.storage import books, mails, outbox, trace
from itaca.storage import tables as t
from itaca.storage.moments import to_micros
from tests.support.ledger import NOW, Ledger

LIMIT_S = 900.0


class BooksContract:
    """Accepted is settled and in progress, and an auditor finds what the counts hide."""

    async def test_books_in_order(self, ledger: Ledger) -> None:
        """Every kind of mail is counted once, by the audit and by a glance alike."""
        ids = [await ledger.accept(b"%d" % n) for n in range(5)]
        await ledger.open_case(ids[0])
        outcomes = (MailOutcome.CASE, MailOutcome.NOTED, MailOutcome.NOTED, MailOutcome.FILED)
        for mail_id, outcome in zip(ids, outcomes, strict=False):
            await ledger.database.write(lambda c, i=mail_id, o=outcome: mails.settle(c, i, o, "router", NOW))
        await ledger.database.write(lambda c: outbox.enqueue(c, [ledger.entry(OutboxKind.NOTICE, "n")]))
        now = NOW + timedelta(seconds=LIMIT_S)
        exact = await ledger.database.read(lambda c: books.balance(c, now, LIMIT_S))
        quick = await ledger.database.read(lambda c: books.glance(c, now, LIMIT_S))
        assert exact.problems() == quick.problems() == []
        assert (exact.accepted, exact.in_progress, exact.unaccounted, exact.overdue) == (5, 1, 0, 0)
        assert exact.settled == {MailOutcome.CASE: 1, MailOutcome.NOTED: 2, MailOutcome.FILED: 1}
        assert (exact.outbox_pending, exact.outbox_oldest_age_s, exact.oldest_unsettled_age_s) == (
            1,
            LIMIT_S,
            LIMIT_S,
        )
        assert {**vars(exact), "findings": None} == vars(quick)

    async def test_empty_books_balance(self, ledger: Ledger) -> None:
        """Nothing accepted is nothing wrong."""
        exact = await ledger.database.read(lambda c: books.balance(c, NOW, LIMIT_S))
        assert exact.problems() == []
        assert exact.accepted == 0

    async def test_overdue_mail_is_told(self, ledger: Ledger) -> None:
        """A mail without an outcome past its limit is a problem in words."""
        await ledger.accept()
        late = NOW + timedelta(seconds=LIMIT_S + 1)
        exact = await ledger.database.read(lambda c: books.balance(c, late, LIMIT_S))
        assert exact.problems() == ["1 mails are overdue"]

    async def test_the_auditor_finds_what_the_counts_hide(self, ledger: Ledger) -> None:
        """Missing bytes, a case that is none, a link without settlement, a leaver's case: each is told."""
        kept, bare, linked = [await ledger.accept(b"%d" % n) for n in range(3)]
        await ledger.database.write(lambda c: mails.settle(c, kept, MailOutcome.CASE, "router", NOW))
        await ledger.open_case(linked)
        await ledger.database.write(lambda c: remove_without_asking(c, "raw_mails", bare))
        await ledger.database.write(lambda c: c.execute(update(t.people).values(is_active=False)))
        await ledger.database.write(
            lambda c: c.execute(update(t.promises).values(state="kept", ended_at=to_micros(NOW)))
        )
        exact = await ledger.database.read(lambda c: books.balance(c, NOW, LIMIT_S))
        assert exact.problems() == [
            "1 open cases have no open promise",
            "1 mails without bytes",
            "1 settled as case without case",
            "1 linked but not settled",
            "1 cases of people who left",
        ]

    async def test_closed_pages_carry_the_totals_forward(self, ledger: Ledger) -> None:
        """A glance after closed pages says what the audit says, and a page never closes over unsettled mail."""
        assert not await ledger.database.write(lambda c: books.close_page(c, NOW - timedelta(days=30_000)))
        for day in range(3):
            ids = [await ledger.accept(b"%d %d" % (day, n)) for n in range(4)]
            for mail_id in ids[: 4 if day < 2 else 3]:
                at = ledger.clock.now()
                await ledger.database.write(lambda c, i=mail_id, a=at: mails.settle(c, i, MailOutcome.NOTED, "r", a))
            await ledger.clock.advance(timedelta(days=1))
            now = ledger.clock.now()
            assert await ledger.database.write(lambda c, n=now: books.close_page(c, n))
            assert not await ledger.database.write(lambda c, n=now: books.close_page(c, n))
        page = select(t.book_pages.c.accepted).order_by(t.book_pages.c.until.desc()).limit(1)
        assert await ledger.database.read(lambda c: c.execute(page).scalar_one()) == 8
        exact = await ledger.database.read(lambda c: books.balance(c, now, 10 * 86_400.0))
        quick = await ledger.database.read(lambda c: books.glance(c, now, 10 * 86_400.0))
        assert exact.problems() == []
        assert {**vars(exact), "findings": None} == vars(quick)

    async def test_a_loss_before_a_closed_page_is_found(self, ledger: Ledger) -> None:
        """Somebody who deletes an old mail behind the ledger's back makes the closed page disagree."""
        mail_id = await ledger.accept()
        await ledger.database.write(lambda c: mails.settle(c, mail_id, MailOutcome.NOTED, "r", NOW))
        now = NOW + timedelta(days=1)
        assert await ledger.database.write(lambda c: books.close_page(c, now))
        await ledger.database.write(lambda c: remove_without_asking(c, "raw_mails", mail_id))
        await ledger.database.write(lambda c: remove_without_asking(c, "mails", mail_id))
        exact = await ledger.database.read(lambda c: books.balance(c, now, LIMIT_S))
        assert exact.problems() == ["1 closed pages that changed"]


class TraceContract:
    """The life of a mail can be told from any of its names."""

    async def test_life_by_mail_message_id_and_reference(self, ledger: Ledger) -> None:
        """All three names tell the same facts in order; an unknown name tells none."""
        mail_id = await ledger.accept()
        case_id = await ledger.open_case(mail_id)
        saved = MailText(message_id="<m@x>", language="it")
        await ledger.database.write(lambda c: mails.save_texts(c, [(mail_id, saved)]))
        reading = {"mail_id": mail_id, "model": "m1", "read_at": to_micros(NOW), "judgement": {"verdicts": {}}}
        await ledger.database.write(lambda c: c.execute(insert(t.readings).values(**reading)))
        entry = ledger.entry(OutboxKind.ACKNOWLEDGEMENT, "k", case_id=case_id, mail_id=mail_id)
        await ledger.database.write(lambda c: outbox.enqueue(c, [entry]))
        later = NOW + timedelta(seconds=5)
        await ledger.database.write(lambda c: outbox.finish(c, entry.id, OutboxState.SENT, later, "250"))
        await ledger.database.write(lambda c: mails.settle(c, mail_id, MailOutcome.CASE, "router", later))
        reference = await ledger.database.read(lambda c: c.execute(select(t.cases.c.reference)).scalar_one())
        lives = [
            await ledger.database.read(lambda c, k=key: trace.life_of(c, k))
            for key in (mail_id, "<m@x>", "m@x", reference.lower(), "nobody")
        ]
        assert [fact.what for fact in lives[0]] == [
            "received", "read", "judged", "case opened", "opened", "promise made", "put in the outbox",
            "settled", "outbox sent",
        ]  # fmt: skip
        assert lives[0] == lives[1] == lives[2] == lives[3]
        assert lives[4] == []


def remove_without_asking(connection, table: str, mail_id: str) -> None:
    """Delete a row as somebody with the keys of the database would, past its triggers."""
    key = "id" if table == "mails" else "mail_id"
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"DROP TRIGGER {table}_kept"))
    else:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    connection.execute(text(f"DELETE FROM {table} WHERE {key} = :id"), {"id": mail_id})
