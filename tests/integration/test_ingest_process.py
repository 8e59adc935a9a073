"""Ingest as a process of its own: configuration, signals, the order of sync and 250, and foreign clients."""

import asyncio
import os
import re
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
from pathlib import Path

from tests.support.ingest import make_certificate
from tests.support.require import require
from tests.support.smtp_client import connected
from tests.support.stage_process import ROOT, running
from tests.support.waiting import until

RAW = b"From: a@example.org\r\nSubject: Libri\r\n\r\nDove sono i libri?\r\n"


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "var" / "itaca.db") as ledger:
        return ledger.execute(query).fetchall()


def checked(*variables: tuple[str, str]) -> tuple[int, list[str]]:
    """Run --check-config and return its exit code and lines."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ITACA_")}
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "services.ingest", "--check-config"],
        env=environment | {"PYTHONPATH": str(ROOT)} | dict(variables),
        capture_output=True,
        timeout=60,
        text=True,
    )
    return ended.returncode, ended.stderr.splitlines()


def test_check_config_reports_every_problem_at_once(tmp_path: Path) -> None:
    """Bad values, unknown variables, an open door and an expired certificate are named together; exit 2."""
    certificate, key = make_certificate(tmp_path, has_expired=True)
    code, lines = checked(
        ("ITACA_INGEST_NETWORKS", "0.0.0.0/0"),
        ("ITACA_INGEST_TLS_CERTIFICATE", str(certificate)),
        ("ITACA_INGEST_TLS_KEY", str(key)),
    )
    assert code == 2
    assert [line.partition(":")[0] for line in lines] == ["ITACA_INGEST_RECIPIENTS", "ITACA_INGEST_TLS_CERTIFICATE"]
    assert "no private network" in lines[0]
    assert "has expired" in lines[1]
    code, lines = checked(("ITACA_INGEST_PORT", "ninety"), ("ITACA_INGEST_PROT", "25"), ("ITACA_LOG_LEVEL", "loud"))
    assert code == 2
    assert {line.partition(":")[0] for line in lines} == {
        "ITACA_INGEST_PORT",
        "ITACA_INGEST_PROT",
        "ITACA_LOG_LEVEL",
    }


def test_check_config_of_a_good_configuration(tmp_path: Path) -> None:
    """The defaults are good, and so is a public door with its recipients named; exit 0, nothing said."""
    assert checked() == (0, [])
    assert checked(("ITACA_INGEST_NETWORKS", "0.0.0.0/0"), ("ITACA_INGEST_RECIPIENTS", "@shop.example")) == (0, [])


async def test_lm1_fdatasync_between_354_and_250(tmp_path: Path) -> None:
    """The kernel saw the ledger synced between the data and the 250 of each of four mails (strace)."""
    if shutil.which("strace") is None:
        require("strace", "strace is not installed (Debian package strace)")
    trace = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,sendto,write,writev,sendmsg"
    prefix = ["strace", "-f", "-qq", "-s", "40", "-e", calls, "-o", str(trace)]
    if subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True).returncode != 0:
        require("strace", "this machine refuses ptrace")
    with running(tmp_path, prefix=prefix) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        async with connected(stage.smtp_port) as client:
            for number in range(4):
                assert (await client.mail(RAW + b"%d\r\n" % number)).startswith("250 2.6.0")
        _terminate_traced(stage.child)
    events = re.findall(r'fdatasync\(|fsync\(|"354 |"250 2\.6\.0', trace.read_text(encoding="utf-8"))
    story = ["sync" if "sync" in event else event[1:4] for event in events]
    first = story.index("354")
    transactions = " ".join(story[first:]).split("354")[1:]
    assert len(transactions) == 4
    for transaction in transactions:
        said = transaction.split()
        assert "250" in said
        assert "sync" in said[: said.index("250")], story


def _terminate_traced(tracer: "subprocess.Popen[bytes]") -> None:
    """Ask the traced process, the tracer's only child, to end; the tracer follows it."""
    children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text(encoding="utf-8").split()
    os.kill(int(children[0]), signal.SIGTERM)
    assert tracer.wait(30) == 0


async def test_sigterm_finishes_the_mail_that_travels(tmp_path: Path) -> None:
    """At SIGTERM in the middle of DATA the mail is finished, answered and kept, and the process ends with 0."""
    with running(tmp_path) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        async with connected(stage.smtp_port) as client, connected(stage.smtp_port) as idle:
            await client.open_data()
            await client.send(RAW[:20])
            stage.terminate()
            assert (await idle.reply()).startswith("421 4.3.2")
            await client.send(RAW[20:] + b".\r\n")
            reply = await client.reply()
            assert reply.startswith("250 2.6.0")
        assert await asyncio.to_thread(stage.child.wait, 30) == 0
        assert rows(tmp_path, "SELECT id FROM mails") == [(reply.split()[2],)]


async def test_sigkill_after_250_keeps_the_mail_and_no_process_lives_on(tmp_path: Path) -> None:
    """Killed right after the 250: the mail is in the ledger, and the reading processes end by themselves."""
    with running(tmp_path) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        async with connected(stage.smtp_port) as client:
            first = await client.mail(RAW)
            await until(lambda: len(rows(tmp_path, "SELECT 1 FROM mail_texts")) == 1, "the text is kept", 60)
            readers = _descendants(stage.child.pid)
            second = await client.mail(RAW + b"2\r\n")
            stage.child.kill()
        stage.child.wait(10)
        assert readers
        assert sorted(rows(tmp_path, "SELECT id FROM mails")) == [(first.split()[2],), (second.split()[2],)]
        await until(lambda: not any(Path(f"/proc/{pid}/stat").exists() for pid in readers), "readers end", 30)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="utf-8").split():
            found += [int(child), *_descendants(int(child))]
    return found


async def test_swaks_hands_mail_over(tmp_path: Path) -> None:
    """A client nobody here wrote delivers a mail with an attachment, and another with its commands pipelined."""
    if shutil.which("swaks") is None:
        require("swaks", "swaks is not installed (Debian package swaks)")
    with running(tmp_path) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        for extra in (["--attach", "@" + __file__], ["--pipeline"]):
            ended = await asyncio.to_thread(_swaks, stage.smtp_port, extra)
            assert ended.returncode == 0, ended.stdout
            assert "250 2.6.0" in ended.stdout
        assert len(rows(tmp_path, "SELECT 1 FROM mails")) == 2


async def test_the_standard_library_hands_mail_over_tls(tmp_path: Path) -> None:
    """smtplib, blocking and in another thread, upgrades to TLS on the process's own event loop and delivers."""
    certificate, key = make_certificate(tmp_path)
    tls = {"ITACA_INGEST_TLS_CERTIFICATE": str(certificate), "ITACA_INGEST_TLS_KEY": str(key)}

    def deliver(port: int) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            assert client.starttls(context=context)[0] == 220
            client.ehlo()
            client.mail("a@example.org")
            client.rcpt("reclami@shop.example")
            return client.data(RAW + b"x" * 500_000)

    with running(tmp_path, **tls) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        code, reply = await asyncio.to_thread(deliver, stage.smtp_port)
        assert code == 250
        assert rows(tmp_path, "SELECT id FROM mails") == [(reply.decode().split()[1],)]


def _swaks(port: int, extra: list[str]) -> "subprocess.CompletedProcess[str]":
    command = ["swaks", "--server", f"127.0.0.1:{port}", "--from", "a@example.org", "--to", "reclami@shop.example"]
    command += ["--body", f"ciao {extra[0]}"]
    return subprocess.run([*command, *extra], capture_output=True, text=True, timeout=60)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A second ingest on the same port ends with 2 and says which variable to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with running(tmp_path, ITACA_INGEST_PORT=port) as stage:
            assert stage.child.wait(60) == 2
            assert "ITACA_INGEST_PORT: 127.0.0.1:" + port in stage.log.read_text(encoding="utf-8")
