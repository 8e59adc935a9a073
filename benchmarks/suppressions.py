"""Measure the suppression check on one core, against a null endpoint of the same server side by side.

Run ``python -m benchmarks.suppressions``. The server is one process bound to one core, asked over kept connections by
another process on the rest; both endpoints alternate within one run, because the machines are noisy: trust the ratio
and the CPU time of the server, not the rates. Checks per second of CPU are what one core can do when nothing else
runs on it.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import resource
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import Connection, insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from itaca.broker.memory import MemoryBroker
from itaca.cases.policy import Policy
from itaca.clock import SystemClock
from itaca.contracts.ids import new_reference, uuid7
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings
from itaca.storage import tables as t
from itaca.storage.database import Database
from itaca.storage.migrate import upgrade
from itaca.storage.moments import to_micros
from itaca.storage.open import open_database
from itaca.storage.people import ensure_first_owner
from itaca.storage.tokens import Scope, add_token
from services.desk.api.app import create_api

_DAY_US = 86_400_000_000


def fill(conn: Connection, customers: int, rng: random.Random) -> None:
    """Write customers, every tenth of whom has cancelled."""
    now = SystemClock().now()
    owner, _ = ensure_first_owner(conn, "owner@shop.example", "Penelope", now, rng)
    at = to_micros(now)
    mail = {"digest": "bench", "received_at": at, "envelope_from": "", "envelope_to": [], "size_bytes": 1}
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in (t.customers, t.customer_addresses)}
    cancelled: dict[Any, list[dict[str, Any]]] = {table: [] for table in (t.mails, t.cases, t.cancellations)}
    for number in range(customers):
        customer = uuid7(now, rng)
        rows[t.customers].append({"id": customer, "name": "", "since": at})
        rows[t.customer_addresses].append({"address": f"c{number}@posta.example", "customer_id": customer})
        if number % 10:
            continue
        mail_id, case_id = uuid7(now, rng), uuid7(now, rng)
        cancelled[t.mails].append({**mail, "id": mail_id, "digest": mail_id, "drive_at": at})
        case = {"id": case_id, "reference": new_reference(rng), "kind": "cancellation", "customer_id": customer}
        ended = {"status": "closed", "outcome": "effected", "closed_at": at}
        cancelled[t.cases].append({**case, "opened_by": mail_id, "owner_id": owner.id, "opened_at": at, **ended})
        dates = {"requested_at": at, "effective_at": at - _DAY_US, "effected_at": at, "watch_until": at + _DAY_US}
        cancelled[t.cancellations].append({"case_id": case_id, "state": "watched", **dates})
    for table, values in (*rows.items(), *cancelled.items()):
        conn.execute(insert(table), values)


async def prepare(url: str, customers: int) -> str:
    """Make the ledger and return a token."""
    await upgrade(url)
    database = await open_database(url)
    rng, now = random.Random(1), SystemClock().now()
    await database.write(lambda conn: fill(conn, customers, rng))
    token = await database.write(lambda conn: add_token(conn, "bench", [Scope.SUPPRESSIONS_READ], now))
    await database.close()
    return token


async def null(_: Request) -> Response:
    return Response(b'{"suppressed":false}', media_type="application/json")


async def cpu(_: Request) -> Response:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Response(f"{used.ru_utime + used.ru_stime:.6f}")


def build(database: Database) -> Starlette:
    """Return the API with a null endpoint beside it, and one that tells the CPU time of the process."""
    parts = Parts(SharedSettings(), database, MemoryBroker(SystemClock(), random.Random(1)), SystemClock(),
                  random.Random(1), Metrics())  # fmt: skip
    api = Mount("/v1", create_api(parts, Policy()))
    return Starlette(routes=[Route("/null", null), Route("/cpu", cpu), api])


def serve(url: str, listener: socket.socket) -> None:
    """Serve on one core until killed."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    async def main() -> None:
        database = await open_database(url)
        config = uvicorn.Config(
            build(database), log_config=None, access_log=False, server_header=False, lifespan="off", ws="none"
        )
        await uvicorn.Server(config).serve(sockets=[listener])

    import uvloop

    uvloop.run(main())


async def ask(port: int, path: str, token: str, count: int, connections: int) -> float:
    """Ask ``count`` times over kept connections and return the seconds it took."""
    left = iter(range(count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            asked = path.format(number % 10_000)
            writer.write(f"GET {asked} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.split(b"\r\n")[0].decode())
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return time.perf_counter() - started


async def cpu_of(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /cpu HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    body = await reader.read()
    writer.close()
    return float(body.rsplit(b"\r\n", 1)[1])


async def measure(port: int, token: str, options: argparse.Namespace) -> None:
    """Alternate between both endpoints and print medians."""
    paths = {"null": "/null", "suppression": "/v1/suppressions/email/c{}@posta.example"}
    rates: dict[str, list[float]] = {name: [] for name in paths}
    costs: dict[str, list[float]] = {name: [] for name in paths}
    for path in paths.values():
        await ask(port, path, token, 500, options.connections)
    for _ in range(options.rounds):
        for name, path in paths.items():
            before = await cpu_of(port)
            took = await ask(port, path, token, options.requests, options.connections)
            costs[name].append((await cpu_of(port) - before) / options.requests)
            rates[name].append(options.requests / took)
    rate, cost = ({k: statistics.median(v) for k, v in found.items()} for found in (rates, costs))
    for name in paths:
        print(
            f"{name:12} {rate[name]:7.0f} a second  {cost[name] * 1e6:5.0f} us CPU of the server"
            f"  {1 / cost[name]:6.0f} a second of its core"
        )
    by_rate, by_cpu = rate["null"] / rate["suppression"], cost["suppression"] / cost["null"]
    print(f"the null endpoint is {by_rate:.1f} times as fast; a check costs {by_cpu:.1f} times its CPU")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"sqlite:///{Path(folder)}/bench.db"
        token = asyncio.run(prepare(url, options.customers))
        server = multiprocessing.get_context("fork").Process(target=serve, args=(url, listener), daemon=True)
        server.start()
        try:
            asyncio.run(measure(listener.getsockname()[1], token, options))
        finally:
            server.kill()
            server.join()


if __name__ == "__main__":
    main()
