"""What every database must do for the ledger: transactions, and accepting mail."""

import asyncio
import random

import pytest
from sqlalchemy import func, insert, select, text

from itaca.contracts.ids import MailId
from itaca.errors import PermanentError
from itaca.mail.digest import mail_digest
from itaca.mail.model import Envelope
from itaca.storage import mails as ledger_mails
from itaca.storage.database import Database
from itaca.storage.intake import Intake
from itaca.storage.tables import mails, raw_mails, teams
from tests.support.ledger import ENVELOPE, NOW, Ledger
from tests.support.waiting import until


class TransactionContract:
    """A transaction is a plain function: all of it happens or nothing."""

    async def test_what_was_written_is_read_back(self, database: Database) -> None:
        """A committed row is seen by the next reader."""
        await database.write(lambda c: c.execute(insert(teams).values(id="t", name="tutti", kinds=["order"])))
        assert await database.read(lambda c: c.execute(select(teams.c.kinds)).scalar_one()) == ["order"]

    async def test_an_error_in_the_work_undoes_all_of_it(self, database: Database) -> None:
        """An exception of the work reaches the caller, and its rows are gone."""

        def work(c):
            c.execute(insert(teams).values(id="t", name="tutti", kinds=[]))
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await database.write(work)
        assert await database.read(lambda c: c.execute(select(func.count()).select_from(teams)).scalar_one()) == 0

    async def test_a_read_that_writes_is_refused(self, database: Database) -> None:
        """A transaction that only reads cannot write, and later ones can."""
        row = insert(teams).values(id="t", name="tutti", kinds=[])
        with pytest.raises(PermanentError, match="only reads"):
            await database.read(lambda c: c.execute(row))
        await database.write(lambda c: c.execute(row))

    async def test_a_broken_rule_is_permanent_and_shows_no_value(self, database: Database) -> None:
        """A constraint is a PermanentError whose text repeats nothing of the row."""
        row = insert(teams).values(id="t", name="segretissimo", kinds=[])
        await database.write(lambda c: c.execute(row))
        with pytest.raises(PermanentError) as caught:
            await database.write(lambda c: c.execute(row))
        assert "segretissimo" not in str(caught.value)
        assert "segretissimo" not in str(caught.value.__cause__ if database.dialect == "sqlite" else "")

    async def test_cancelling_the_caller_does_not_cancel_the_commit(self, database: Database) -> None:
        """A caller that goes away leaves its transaction to finish, and close waits for it (L14, P5)."""
        row = insert(teams).values(id="t", name="tutti", kinds=[])
        task = asyncio.ensure_future(database.write(lambda c: c.execute(row)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async def is_committed() -> bool:
            return bool(
                await database.read(lambda c: c.execute(select(func.count()).select_from(teams)).scalar_one())
            )

        await until(is_committed, "the commit has ended")
        assert await database.read(lambda c: c.execute(select(teams.c.name)).scalar_one()) == "tutti"

    async def test_cancel_storm_leaves_the_database_healthy(self, ledger: Ledger) -> None:
        """P5: callers cancelled at any moment lose no acknowledged mail and leave no broken connection."""
        rng = random.Random(3)
        acknowledged: list[MailId] = []

        async def try_once(number: int) -> None:
            acknowledged.append(await ledger.accept(b"mail %d" % number))

        for wave in range(30):
            tasks = [asyncio.ensure_future(try_once(wave * 8 + n)) for n in range(8)]
            for _ in range(rng.randrange(12)):
                await asyncio.sleep(0)
            for task in rng.sample(tasks, 5):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await ledger.intake.close()
        fresh = [await ledger.accept(b"after %d" % n) for n in range(10)]
        known = await ledger.database.read(lambda c: set(c.execute(select(mails.c.id)).scalars()))
        assert set(acknowledged) | set(fresh) <= known
        assert len(acknowledged) >= 30


class IntakeContract:
    """Accepting mail: once, whole, and many in one transaction."""

    async def test_raw_bytes_come_back_identical(self, ledger: Ledger) -> None:
        """What was accepted is returned byte for byte, whatever the bytes, small or large."""
        rng = random.Random(5)
        for raw in (b"", b"\x00\xff\r\n.\r\n", rng.randbytes(70_000), rng.randbytes(1 << 20) + b"x" * (1 << 20)):
            mail_id = await ledger.accept(raw)
            assert await ledger.database.read(lambda c, i=mail_id: ledger_mails.load_raw(c, i)) == raw

    async def test_an_unknown_mail_has_no_bytes(self, database: Database) -> None:
        """Asking for a mail that does not exist is a PermanentError, not an empty mail."""
        with pytest.raises(PermanentError, match="no raw mail"):
            await database.read(lambda c: ledger_mails.load_raw(c, MailId("nobody")))

    async def test_same_delivery_twice_is_one_mail(self, ledger: Ledger) -> None:
        """LM9: the same envelope and bytes get the first id again and add nothing; other bytes are another mail."""
        first = await ledger.intake.accept(ENVELOPE, b"a", "10.0.0.1")
        again = await ledger.intake.accept(ENVELOPE, b"a", "10.0.0.2")
        other = await ledger.intake.accept(ENVELOPE, b"b", "10.0.0.1")
        elsewhere = await ledger.intake.accept(Envelope(sender="", recipients=("x@y.example",)), b"a", "10.0.0.1")
        assert (first.is_duplicate, again.is_duplicate, other.is_duplicate, elsewhere.is_duplicate) == (
            False,
            True,
            False,
            False,
        )
        assert again.mail_id == first.mail_id
        assert len({first.mail_id, other.mail_id, elsewhere.mail_id}) == 3
        count = select(func.count()).select_from(raw_mails)
        assert await ledger.database.read(lambda c: c.execute(count).scalar_one()) == 3

    async def test_duplicates_at_the_same_time_are_one_mail(self, ledger: Ledger, second_ledger: Ledger) -> None:
        """Twenty identical deliveries at once, through two processes' doors, store one mail."""
        doors = (ledger.intake, second_ledger.intake)
        answers = await asyncio.gather(*(doors[n % 2].accept(ENVELOPE, b"same", "c") for n in range(20)))
        assert len({answer.mail_id for answer in answers}) == 1
        assert [answer.is_duplicate for answer in answers].count(False) == 1

    async def test_many_callers_share_few_transactions(self, ledger: Ledger) -> None:
        """200 concurrent mails are committed by a handful of transactions, and each has its own id."""
        ids = await asyncio.gather(*(ledger.accept(b"mail %d" % n) for n in range(200)))
        assert len(set(ids)) == 200
        assert ledger.intake.commits <= 5
        assert set(await ledger.database.read(lambda c: ledger_mails.load_mails(c, ids))) == set(ids)

    async def test_a_group_is_bounded_in_number_and_bytes(self, database: Database, ledger: Ledger) -> None:
        """No transaction takes more than so many mails or goes on past so many bytes."""
        few = Intake(database, ledger.clock, ledger.rng, group_mails=10)
        await asyncio.gather(*(few.accept(ENVELOPE, b"n%d" % n, "c") for n in range(40)))
        small = Intake(database, ledger.clock, ledger.rng, group_bytes=3000)
        noise = [random.Random(n).randbytes(1000) for n in range(12)]
        await asyncio.gather(*(small.accept(ENVELOPE, raw, "c") for raw in noise))
        assert few.commits == 4
        assert small.commits == 4

    async def test_one_refused_mail_does_not_refuse_its_group(self, ledger: Ledger) -> None:
        """A row that the schema refuses fails alone; the others of its group are stored."""
        await ledger.database.write(lambda c: refuse_mails_of_size(c, 13))
        results = await asyncio.gather(
            *(ledger.accept(b"x" * size) for size in (11, 12, 13, 14)), return_exceptions=True
        )
        assert isinstance(results[2], PermanentError)
        ids = [result for result in results if isinstance(result, str)]
        assert len(await ledger.database.read(lambda c: ledger_mails.load_mails(c, ids))) == 3

    async def test_odd_envelopes_are_stored(self, ledger: Ledger) -> None:
        """The null sender, many recipients, NUL and letters beyond ASCII are no reason to refuse."""
        envelope = Envelope(sender="", recipients=("perché@città.example", "a\x00b@x.example"))
        answer = await ledger.intake.accept(envelope, b"x", "unix:\x00")
        row = (await ledger.database.read(lambda c: ledger_mails.load_mails(c, [answer.mail_id])))[answer.mail_id]
        assert row.envelope == Envelope(sender="", recipients=("perché@città.example", "ab@x.example"))
        assert (row.received_at, row.size_bytes, row.attempts, row.is_settled) == (NOW, 1, 1, False)
        digest = select(mails.c.digest).where(mails.c.id == row.id)
        stored = await ledger.database.read(lambda c: c.execute(digest).scalar_one())
        assert stored == mail_digest(envelope, b"x")


def refuse_mails_of_size(connection, size_bytes: int) -> None:
    """Add a rule to the database that refuses mails of exactly this size."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                f"CREATE TRIGGER unlucky BEFORE INSERT ON mails WHEN NEW.size_bytes = {size_bytes} "
                "BEGIN SELECT RAISE(ABORT, 'unlucky'); END"
            )
        )
    else:
        connection.execute(text(f"ALTER TABLE mails ADD CONSTRAINT unlucky CHECK (size_bytes <> {size_bytes})"))
