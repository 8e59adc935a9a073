"""Every file of ``../shared/data/eml``: broken, foreign, certified and automatic mail of two dozen projects."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from itaca.contracts.ids import MailId
from itaca.storage.database import Database
from itaca.storage.mails import load_raw
from tests.support.books import broken_promises, unsettled
from tests.support.deployment import Deployment
from tests.support.shared import mail_files
from tests.support.traffic import Traffic
from tests.support.waiting import until

SENDER = "chiunque@posta.example"


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Deployment]:
    """Run the embedded default, which writes what leaves into its outbox folder."""
    deployment = Deployment(tmp_path, variables={"ITACA_INGEST_CONNECTIONS_PER_CLIENT": "200"})
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()


@pytest.fixture
async def ledger(embedded: Deployment) -> AsyncIterator[Database]:
    """Open its ledger for the checks."""
    database = await embedded.open_ledger()
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.slow
async def test_lm12_lm13_every_real_mail_is_accepted_and_reaches_an_outcome(
    embedded: Deployment, ledger: Database
) -> None:
    """None is refused, none is stuck, and the raw bytes come back identical."""
    by_content = {with_crlf(path.read_bytes()): path.name for path in mail_files()}
    traffic = Traffic(embedded, [(SENDER, raw) for raw in by_content])
    await traffic.run()
    assert traffic.refused == []

    async def is_done() -> bool:
        return await unsettled(ledger) == 0

    await until(is_done, "every mail has its outcome", 240)
    assert await broken_promises(ledger, traffic.accepted) == []
    ids = await ledger.read(lambda conn: list(conn.scalars(text("SELECT id FROM mails"))))
    kept = [await ledger.read(lambda conn, mail_id=mail_id: load_raw(conn, MailId(mail_id))) for mail_id in ids]
    assert sorted(kept) == sorted(by_content)


def with_crlf(raw: bytes) -> bytes:
    """Return the mail as SMTP carries it: lines end with CRLF, the last one too (RFC 5321, 2.3.8 and 4.1.1.4)."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    whole = b"\r\n".join(lines)
    return whole if whole.endswith(b"\r\n") else whole + b"\r\n"
