"""PostgreSQL dies behind a real Postfix, which keeps the mail meanwhile."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from itaca.errors import TransientError
from tests.fault.flow import endless_mails
from tests.fault.site import distributed
from tests.support.books import broken_promises
from tests.support.postfix import Postfix
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.waiting import until

MAILS = 30


@pytest.mark.slow
@pytest.mark.postfix
@pytest.mark.rabbitmq
@pytest.mark.postgres
async def test_postfix_keeps_what_the_ledger_cannot_take_and_delivers_it_later(
    tmp_path: Path, rabbit_server: RabbitServer, postgres_server: PostgresServer, postfix: Postfix
) -> None:
    """PostgreSQL is killed: we answer 451, a real Postfix queues, and every mail arrives once PostgreSQL is back."""
    async with distributed(tmp_path, rabbit_server, postgres_server) as site:
        await asyncio.to_thread(postfix.start, site.deployment.smtp_port)
        postgres_server.kill9()
        try:
            for _, (sender, raw) in zip(range(MAILS), endless_mails("p"), strict=False):
                await asyncio.to_thread(postfix.submit, sender, "reclami@azienda.example", raw)
            await until(lambda: postfix.deferred() == MAILS, "postfix has every mail in its queue", 60)
            assert "451" in postfix.log()
            assert "status=bounced" not in postfix.log()
        finally:
            postgres_server.restart()

        async def has_all() -> bool:
            count = text("SELECT count(*) FROM mails")
            try:
                return bool(await site.ledger.read(lambda conn: conn.execute(count).scalar_one()) == MAILS)
            except TransientError:
                return False  # our own connections broke with the server, and are replaced

        await until(has_all, "postfix has delivered everything", 120)
        await site.until_done(150)
        assert await broken_promises(site.ledger, [], site.relay.received) == []
