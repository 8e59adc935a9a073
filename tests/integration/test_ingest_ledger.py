"""The whole ingest stage on a real ledger: SMTP in, rows and events out."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from itaca.broker.memory import MemoryBroker
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED
from itaca.clock import SystemClock
from itaca.contracts.codec import decode
from itaca.contracts.events import MailReceived
from itaca.contracts.ids import MailId
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.mails import load_mails, load_raw, load_texts
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from services.ingest.app import build
from services.ingest.stage import IngestStage
from tests.support.ingest import settings_of
from tests.support.shared import mail_files
from tests.support.smtp_client import connected
from tests.support.waiting import until

RAW = b"From: Anna <anna@example.org>\r\nSubject: Libri\r\nMessage-ID: <1@example.org>\r\n\r\nDove sono i libri?\r\n"


@dataclass
class Running:
    """A stage on a real ledger."""

    stage: IngestStage
    parts: Parts


@contextlib.asynccontextmanager
async def on_sqlite(folder: Path, **fields: object) -> AsyncIterator[Running]:
    url = f"sqlite:///{folder / 'itaca.db'}"
    await upgrade(url)
    database: Database = await open_database(url)
    clock, rng = SystemClock(), random.Random(3)
    broker = MemoryBroker(clock, rng)
    await broker.start()
    parts = Parts(SharedSettings(data_dir=folder), database, broker, clock, rng, Metrics())
    stage = build(parts, settings_of(**fields))
    assert isinstance(stage, IngestStage)
    stopping = asyncio.Event()
    task = asyncio.create_task(stage.run(stopping))
    try:
        yield Running(stage, parts)
    finally:
        stopping.set()
        await task
        await broker.close()
        await database.close()


async def test_a_mail_becomes_a_row_a_text_and_an_event(tmp_path: Path) -> None:
    """After the 250 the raw bytes are in the ledger unchanged, the text follows, and MailReceived is published."""
    async with on_sqlite(tmp_path) as running, connected(running.stage.port) as client:
        consumer = await running.parts.broker.consume(CLASSIFIER_MAIL_RECEIVED, 10)
        mail_id = MailId((await client.mail(RAW, "anna@example.org", "reclami@shop.example")).split()[2])
        database = running.parts.database
        assert await database.read(lambda connection: load_raw(connection, mail_id)) == RAW
        row = (await database.read(lambda connection: load_mails(connection, [mail_id])))[mail_id]
        assert (row.envelope.sender, row.envelope.recipients) == ("anna@example.org", ("reclami@shop.example",))
        async with asyncio.timeout(60):
            [delivery] = await consumer.receive(10)
        event = decode(MailReceived, delivery.body)
        assert (event.mail_id, event.text.subject) == (mail_id, "Libri")
        assert "Dove sono i libri?" in event.text.new_text
        text = (await database.read(lambda connection: load_texts(connection, [mail_id])))[mail_id]
        assert (text.message_id, text.sender) == ("<1@example.org>", "anna@example.org")
        await delivery.ack()
        await consumer.close()


async def test_lm3_a_broker_that_is_away_hinders_nothing(tmp_path: Path) -> None:
    """Without a broker mail is accepted and read; its publishing is left to the watch."""
    async with on_sqlite(tmp_path) as running, connected(running.stage.port) as client:
        await running.parts.broker.close()
        mail_id = MailId((await client.mail(RAW)).split()[2])
        left = ("itaca_mails_left_to_watch_total", {"reason": "broker"})
        await until(
            lambda: running.parts.metrics.registry.get_sample_value(*left) == 1, "the mail is left to the watch", 60
        )
        texts = await running.parts.database.read(lambda connection: load_texts(connection, [mail_id]))
        assert texts[mail_id].subject == "Libri"


async def test_lm9_the_same_bytes_are_one_mail_and_the_same_message_id_is_not(tmp_path: Path) -> None:
    """A redelivery gets the first id; another text under the same Message-ID is another mail."""
    async with on_sqlite(tmp_path) as running, connected(running.stage.port) as client:
        first, again = await client.mail(RAW), await client.mail(RAW)
        other = await client.mail(RAW + b"E ancora.\r\n")
        assert first == again
        assert other.startswith("250 2.6.0")
        assert other != first


async def test_every_mail_at_hand_is_accepted_and_comes_back_identical(tmp_path: Path) -> None:
    """Whatever a mail looks like, it is accepted, its bytes are kept, and its text is published."""
    mails = [path.read_bytes() for path in mail_files()]
    mails = [raw if raw.endswith(b"\r\n") else raw + b"\r\n" for raw in mails]
    async with on_sqlite(tmp_path, size_limit_bytes=40_000_000) as running:
        ids: dict[MailId, bytes] = {}
        async with connected(running.stage.port) as client:
            for raw in mails:
                reply = await client.mail(raw)
                assert reply.startswith("250 2.6.0"), reply
                ids[MailId(reply.split()[2])] = raw
        database = running.parts.database

        async def are_read() -> bool:
            return len(await database.read(lambda connection: load_texts(connection, list(ids)))) == len(ids)

        await until(are_read, "every mail is read", 120)
        for mail_id, raw in ids.items():
            kept = await database.read(lambda connection, wanted=mail_id: load_raw(connection, wanted))
            assert kept == raw
        depth = await running.parts.broker.depth(CLASSIFIER_MAIL_RECEIVED)
        assert depth.ready == len(ids)
