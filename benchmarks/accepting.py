"""Mails accepted per second, 250 after the commit, beside aiosmtpd with a handler that does nothing.

Run: python benchmarks/accepting.py [--mails 4000] [--connections 20] [--rounds 3] [--per-connection 100]
Both servers run as processes of their own, in turns; CPU is the server's alone (its readers counted apart), per
mail. Ingest reads the mails and publishes them in memory meanwhile, as in production. ``piped`` is
ingest with a client that pipelines, as Postfix does where it is offered; aiosmtpd alone does not offer it.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ENVELOPE = (b"MAIL FROM:<anna@example.org>\r\n", b"RCPT TO:<reclami@shop.example>\r\n", b"DATA\r\n")
KINDS = ("null", "ingest", "piped")
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve_null(port: int) -> None:
    """aiosmtpd as it comes, on the loop it comes with."""
    from aiosmtpd.smtp import SMTP

    class Nothing:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Nothing(), hostname="null", loop=loop), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def mails(count: int, rng: random.Random) -> list[bytes]:
    """Return mails of 2 to 8 KB of words, each different."""
    text = "dove sono i libri che ho ordinato a marzo e che non arrivano mai signori buongiorno"
    words = text.split()
    made = []
    for number in range(count):
        lines = [" ".join(rng.choices(words, k=10)) for _ in range(rng.randint(35, 140))]
        head = f"From: anna{number}@example.org\r\nTo: reclami@shop.example\r\nSubject: libri {number}\r\n\r\n"
        made.append((head + "\r\n".join(lines) + "\r\n").encode())
    return made


async def hand_over(
    port: int, waiting: list[bytes], per_connection: int, seconds: list[float], *, is_pipelining: bool = False
) -> None:
    """One client: connect, send ``per_connection`` mails, connect again, until nothing waits."""
    while waiting:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        await _say(reader, writer, b"EHLO bench\r\n")
        for _ in range(per_connection):
            if not waiting:
                break
            raw = waiting.pop()
            began_s = time.perf_counter()
            if is_pipelining:
                await _say(reader, writer, b"".join(_ENVELOPE), replies=len(_ENVELOPE))
            else:
                for command in _ENVELOPE:
                    await _say(reader, writer, command)
            reply = await _say(reader, writer, raw + b".\r\n")
            assert reply.startswith(b"250"), reply
            seconds.append(time.perf_counter() - began_s)
        writer.write(b"QUIT\r\n")
        writer.close()


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, replies: int = 1) -> bytes:
    writer.write(data)
    while True:
        line = await reader.readline()
        replies -= line[3:4] != b"-"
        if not replies:
            return line


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of one process, its threads included, its children not."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def start(kind: str, port: int, folder: Path) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ) | {
        "PYTHONPATH": str(ROOT),
        "ITACA_DATA_DIR": str(folder),
        "ITACA_INGEST_PORT": str(port),
        "ITACA_METRICS_PORT": "0",
        "ITACA_LOG_LEVEL": os.environ.get("ITACA_LOG_LEVEL", "warning"),
        "ITACA_INGEST_MIN_FREE_BYTES": "0",
    }
    null = [sys.executable, __file__, "--serve-null", str(port)]
    command = null if kind == "null" else [sys.executable, "-P", "-m", "services.ingest"]
    return subprocess.Popen(command, env=environment, cwd=folder)


async def until_listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def measure(kind: str, batch: list[bytes], arguments: argparse.Namespace) -> tuple[float, float, list[float]]:
    """Return mails per second, server CPU in microseconds per mail, and the seconds of each mail."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="itaca-accepting-") as folder:
        server = start(kind, port, Path(folder))
        try:
            await until_listening(port)
            await hand_over(port, batch[:50], 50, [])
            waiting, seconds = batch[50:], []
            count, before_s, began_s = len(waiting), cpu_s(server.pid), time.perf_counter()
            clients = [
                hand_over(port, waiting, arguments.per_connection, seconds, is_pipelining=kind == "piped")
                for _ in range(arguments.connections)
            ]
            await asyncio.gather(*clients)
            took_s = time.perf_counter() - began_s
            return count / took_s, (cpu_s(server.pid) - before_s) / count * 1e6, seconds
        finally:
            server.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.wait, 60)


async def main(arguments: argparse.Namespace) -> None:
    batch = mails(arguments.mails + 50, random.Random(1))
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    cpu: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for round_number in range(1, arguments.rounds + 1):
        for kind in rates:
            rate, micros, seconds = await measure(kind, batch, arguments)
            rates[kind].append(rate)
            cpu[kind].append(micros)
            p50, p99 = (statistics.quantiles(seconds, n=100)[n - 1] * 1000 for n in (50, 99))
            print(
                f"round {round_number}  {kind:6}  {rate:7.0f} mails/s  {micros:6.0f} us CPU/mail"
                f"  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms",
                flush=True,
            )
    for kind in KINDS[1:]:
        faster = statistics.median(ours / null for ours, null in zip(rates[kind], rates["null"], strict=True))
        dearer = statistics.median(ours / null for ours, null in zip(cpu[kind], cpu["null"], strict=True))
        print(f"{kind:6} : null  rate x {faster:.2f}  CPU x {dearer:.2f}  (medians of {arguments.rounds} pairs)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--per-connection", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve-null", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    asyncio.run(serve_null(given.serve_null) if given.serve_null else main(given))
