"""The backends go away: queues emptied in mid-flight, RabbitMQ stopped, PostgreSQL stopped behind a real Postfix."""

import asyncio

import pytest
from sqlalchemy import text

from itaca.errors import TransientError
from itaca.storage.database import Database
from tests.fault.test_killed_stages import settled_and_sent
from tests.support.books import broken_promises
from tests.support.deployment import Deployment
from tests.support.postfix import Postfix
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.traffic import Traffic, mixed_mails
from tests.support.waiting import until


@pytest.mark.slow
async def test_lm3_every_queue_emptied_in_mid_flight_loses_nothing(
    distributed: Deployment, ledger: Database, rabbit_server: RabbitServer
) -> None:
    """The broker forgets all messages several times while 500 mails flow; the ledger drives them again."""
    distributed.start()
    traffic = Traffic(distributed, mixed_mails(500))
    sending = asyncio.create_task(traffic.run())
    vhost = distributed.backends["ITACA_BROKER_URL"].rpartition("/")[2]
    for _ in range(4):
        for queue in ("classifier.mail_received", "router.mail_classified"):
            await asyncio.to_thread(rabbit_server.rabbitmqctl, "purge_queue", "-p", vhost, queue)
    await sending
    await settled_and_sent(ledger)
    assert distributed.relay is not None
    assert await broken_promises(ledger, traffic.accepted, distributed.relay.received) == []
    assert len(traffic.accepted) == 500


@pytest.mark.slow
async def test_lm3_mail_is_accepted_while_rabbitmq_is_away_and_settles_later(
    distributed: Deployment, ledger: Database, rabbit_server: RabbitServer
) -> None:
    """RabbitMQ is killed: 250 is said all the same; when it is back, everything reaches its outcome."""
    distributed.start()
    rabbit_server.kill9()
    traffic = Traffic(distributed, mixed_mails(60))
    try:
        await traffic.run()
        assert traffic.put_off == 0
        waiting = text("SELECT count(*) FROM mails WHERE settled_at IS NULL")
        assert await ledger.read(lambda conn: conn.execute(waiting).scalar_one()) == 60
    finally:
        rabbit_server.restart()
    # The first drive comes a minute after acceptance, and a connection is tried again with growing pauses.
    await settled_and_sent(ledger, timeout_s=300)
    assert distributed.relay is not None
    assert await broken_promises(ledger, traffic.accepted, distributed.relay.received) == []


@pytest.mark.slow
@pytest.mark.postfix
async def test_postfix_keeps_what_the_ledger_cannot_take_and_delivers_it_later(
    distributed: Deployment, ledger: Database, postgres_server: PostgresServer, postfix: Postfix
) -> None:
    """PostgreSQL is killed: we answer 451, a real Postfix queues, and every mail arrives once PostgreSQL is back."""
    distributed.start()
    await asyncio.to_thread(postfix.start, distributed.smtp_port)
    postgres_server.kill9()
    try:
        mails = mixed_mails(30)
        for sender, raw in mails:
            await asyncio.to_thread(postfix.submit, sender, "reclami@azienda.example", raw)
        await until(lambda: postfix.deferred() == 30, "postfix has every mail in its queue", 60)
        assert "451" in postfix.log()
        assert "status=bounced" not in postfix.log()
    finally:
        postgres_server.restart()

    async def has_all() -> bool:
        count = text("SELECT count(*) FROM mails")
        try:
            return bool(await ledger.read(lambda conn: conn.execute(count).scalar_one()) == 30)
        except TransientError:
            return False  # our own connections broke with the server, and are replaced

    await until(has_all, "postfix has delivered everything", 120)
    await settled_and_sent(ledger)
    assert distributed.relay is not None
    assert await broken_promises(ledger, [], distributed.relay.received) == []
