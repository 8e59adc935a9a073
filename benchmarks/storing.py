"""Measure durable acceptance: group commit against one transaction per mail, on SQLite and PostgreSQL.

Run ``python -m benchmarks.storing``; PostgreSQL is measured when its programs are installed. The ways alternate
within one run, because the machines are noisy: trust the ratios and the CPU, not the rates.
"""

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itaca.clock import SystemClock
from itaca.mail.model import Envelope
from itaca.storage.intake import Intake
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from tests.support.postgres import PostgresServer, find_programs

ENVELOPE = Envelope(sender="anna@example.org", recipients=("reclami@shop.example",))
WORDS = ("dove", "sono", "i", "libri", "ordinati", "perché", "un", "secondo", "catalogo", "disdetta", "rimborso")


def mails_of(count: int, rng: random.Random) -> list[bytes]:
    """Return ``count`` different mails of 2 to 8 KB of plausible text."""
    mails = []
    for number in range(count):
        body = " ".join(rng.choice(WORDS) for _ in range(rng.randint(300, 1200)))
        mails.append(f"Subject: {number}\r\nMessage-ID: <{rng.random()}@x>\r\n\r\n{body}\r\n".encode())
    return mails


async def accept_all(url: str, mails: list[bytes], callers: int, group_mails: int) -> tuple[float, float, int]:
    """Accept all mails by so many callers; return seconds, CPU seconds of this process, and transactions."""
    database = await open_database(url)
    intake = Intake(database, SystemClock(), random.Random(1), group_mails=group_mails)
    queue = iter(mails)

    async def caller() -> None:
        for raw in queue:
            await intake.accept(ENVELOPE, raw, "bench")

    await intake.accept(ENVELOPE, b"warm up %f" % time.time(), "bench")
    gc.collect()
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    took, used = time.perf_counter() - started, time.process_time() - cpu
    await intake.close()
    await database.close()
    return took, used, intake.commits - 1


@contextmanager
def places() -> Iterator[dict[str, str]]:
    """Give the address of an empty ledger per database that is there."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"SQLite": f"sqlite:///{Path(folder)}/bench.db"}
        programs = find_programs()
        server = PostgresServer(programs) if programs else None
        try:
            if server:
                server.start()
                found["PostgreSQL"] = server.url(server.new_empty_database())
            yield found
        finally:
            if server:
                server.close()


def main() -> None:
    """Print a table: rate, CPU per mail and transactions for each way, medians of alternating rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = random.Random(42)
    with places() as urls:
        for name, url in urls.items():
            asyncio.run(upgrade(url))
            ways: dict[int, list[tuple[float, float, int]]] = {200: [], 1: []}
            for _ in range(options.rounds):
                for group_mails, runs in ways.items():
                    mails = mails_of(options.mails, rng)
                    runs.append(asyncio.run(accept_all(url, mails, options.callers, group_mails)))
            rates = {way: options.mails / statistics.median(run[0] for run in runs) for way, runs in ways.items()}
            for way, runs in ways.items():
                cpu_us = statistics.median(run[1] for run in runs) / options.mails * 1e6
                label = "group commit" if way > 1 else "one per transaction"
                print(
                    f"{name:10}  {label:20}  {rates[way]:7.0f} mails/s  {cpu_us:5.0f} us CPU  {runs[0][2]:5} commits"
                )
            print(f"{name:10}  ratio {rates[200] / rates[1]:.1f}")


if __name__ == "__main__":
    main()
