"""A way to RabbitMQ beside Itaca's own, for messages that nobody of ours would send."""

import contextlib
from collections.abc import AsyncIterator, Sequence

import aio_pika
from aio_pika.abc import AbstractChannel

from tests.fault.site import Site

ROGUE = (b"", b"{", b"null", b"[]", b'{"mail_id": 7}', b"\xff" * 1000, b"x" * 100_000)


@contextlib.asynccontextmanager
async def _channel(site: Site) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(site.rabbit.url(site.vhost))
    async with connection:
        yield await connection.channel()


async def take_messages(site: Site, queue: str, count: int) -> list[bytes]:
    """Take up to ``count`` messages from a queue for good and return their bodies."""
    bodies = []
    async with _channel(site) as channel:
        source = await channel.get_queue(queue, ensure=False)
        for _ in range(count):
            message = await source.get(fail=False)
            if message is not None:
                bodies.append(message.body)
                await message.ack()
    assert bodies, f"nothing lies in {queue}"
    return bodies


async def put_messages(site: Site, queue: str, bodies: Sequence[bytes]) -> None:
    """Put messages into a queue."""
    async with _channel(site) as channel:
        for body in bodies:
            await channel.default_exchange.publish(aio_pika.Message(body), routing_key=queue)


async def purge(site: Site, queues: Sequence[str]) -> None:
    """Empty these queues."""
    async with _channel(site) as channel:
        for queue in queues:
            await (await channel.get_queue(queue, ensure=False)).purge()


async def delete(site: Site, queues: Sequence[str], exchange: str) -> None:
    """Delete these queues and the exchange, whoever uses them."""
    async with _channel(site) as channel:
        for queue in queues:
            await channel.queue_delete(queue)
        await channel.exchange_delete(exchange)


async def tell_dead(site: Site, queue: str, bodies: Sequence[bytes]) -> None:
    """Put messages among the dead letters of a queue."""
    await put_messages(site, f"{queue}.dead", bodies)


async def rogue_messages(site: Site) -> None:
    """Somebody puts messages into our queues that we never wrote, and copies of one that we did."""
    for queue in ("classifier.mail_received", "router.mail_classified"):
        await put_messages(site, queue, ROGUE)
        await tell_dead(site, queue, ROGUE[:3])
    site.deployment.kill9("classifier")
    await _lies_in(site, "classifier.mail_received")
    ours = await take_messages(site, "classifier.mail_received", 3)
    await put_messages(site, "classifier.mail_received", ours * 10)
    site.deployment.launch("classifier")
    await site.ready("classifier")


async def _lies_in(site: Site, queue: str) -> None:
    """Wait until the queue holds three messages or more."""
    async with _channel(site) as channel:
        while True:
            found = await channel.declare_queue(queue, passive=True)
            if (found.declaration_result.message_count or 0) >= 3:
                return
