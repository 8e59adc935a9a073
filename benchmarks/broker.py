"""How fast RabbitMQ takes and gives messages: one by one against a window, ack each against ack many.

Run:    python -m benchmarks.broker [--url amqp://user:password@host/vhost] [--messages 3000]
Without ``--url`` it starts a RabbitMQ of its own. The ways alternate, three rounds, and the median counts: the
machine is noisy, so read the ratio and the CPU time per message rather than the rate.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from itaca.broker.amqp import AmqpBroker
from itaca.broker.amqp_connection import AmqpLimits
from itaca.broker.topology import Queue, QueueName
from itaca.clock import SystemClock
from tests.support.rabbitmq import RabbitServer

QUEUE = QueueName("benchmark.letters")
BODY = b"x" * 4_096
PREFETCH = 500
BATCH = 100
ROUNDS = 3

Way = Callable[[int], Awaitable[None]]


class Bench:
    """Measures ways of doing the same with a given number of messages."""

    def __init__(self, broker: AmqpBroker) -> None:
        self._broker = broker

    async def one_by_one(self, messages: int) -> None:
        for _ in range(messages):
            await self._broker.publish(QUEUE, [BODY])

    async def windowed(self, messages: int) -> None:
        await self._broker.publish(QUEUE, [BODY] * messages)

    async def ack_each(self, messages: int) -> None:
        consumer = await self._broker.consume(QUEUE, PREFETCH)
        while messages > 0:
            for delivery in await consumer.receive(BATCH):
                await delivery.ack()
                messages -= 1
        await consumer.close()

    async def ack_many(self, messages: int) -> None:
        consumer = await self._broker.consume(QUEUE, PREFETCH)
        while messages > 0:
            batch = await consumer.receive(BATCH)
            await consumer.ack_all(batch)
            messages -= len(batch)
        await consumer.close()


async def measured(way: Way, messages: int) -> tuple[float, float]:
    """Return messages per second and our own CPU microseconds per message."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    await way(messages)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return messages / wall_s, cpu_s / messages * 1e6


def show(title: str, found: dict[str, list[tuple[float, float]]]) -> None:
    """Print the medians side by side and the ratio of the rates."""
    print(title)
    rates = {}
    for name, rounds in found.items():
        rates[name] = statistics.median(rate for rate, _ in rounds)
        cpu_us = statistics.median(cpu for _, cpu in rounds)
        print(f"  {name:<22}{rates[name]:>9,.0f} /s {cpu_us:>8,.0f} us CPU per message")
    slow, fast = rates.values()
    print(f"  ratio                 {fast / slow:>9.1f}\n")


async def compare(url: str, messages: int) -> None:
    """Publish and consume in both ways, alternating."""
    row = Queue(QUEUE, "Letter")
    limits = AmqpLimits(call_s=30.0)
    broker = AmqpBroker(url, SystemClock(), random.Random(), topology=[row], handoffs=[], limits=limits)
    await broker.start()
    try:
        publishing: dict[str, list[tuple[float, float]]] = {"one by one": [], "window of 100": []}
        consuming: dict[str, list[tuple[float, float]]] = {"ack each": [], "ack 100 at a time": []}
        bench = Bench(broker)
        for _ in range(ROUNDS):
            publishing["one by one"].append(await measured(bench.one_by_one, messages))
            consuming["ack each"].append(await measured(bench.ack_each, messages))
            publishing["window of 100"].append(await measured(bench.windowed, messages))
            consuming["ack 100 at a time"].append(await measured(bench.ack_many, messages))
    finally:
        await broker.close()
    show(f"publish, {len(BODY):,} bytes, quorum queue, confirmed", publishing)
    show(f"consume, prefetch {PREFETCH}", consuming)


def main() -> None:
    """Read the arguments, start a broker if none is given, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="address of a RabbitMQ; by default one is started")
    parser.add_argument("--messages", type=int, default=3_000)
    arguments = parser.parse_args()
    if arguments.url:
        uvloop.run(compare(arguments.url, arguments.messages))
        return
    with tempfile.TemporaryDirectory() as home:
        server = RabbitServer(Path(home))
        try:
            server.start()
            uvloop.run(compare(server.url(server.new_vhost()), arguments.messages))
        finally:
            server.close()


if __name__ == "__main__":
    main()
