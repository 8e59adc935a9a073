"""The door as a process, with clients that nobody here wrote, and with more idle ones than anybody should have."""

import asyncio
import os
import re
import resource
import shutil
import smtplib
import sqlite3
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from services.ingest.users import new_line
from tests.support.ingest import make_certificate
from tests.support.require import require
from tests.support.smtp_client import connected
from tests.support.stage_process import ROOT, StageProcess, running
from tests.support.waiting import until

RAW = b"From: a@example.org\r\nSubject: Libri\r\n\r\nDove sono i libri?\r\n"
IDLE = int(os.environ.get("ITACA_TEST_IDLE_CONNECTIONS", "1000"))
"""Connections of the crowd; the figure of the documentation is 10,000."""


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/lib/postfix/sbin")
    if found is None:
        require(package, f"{name} is not installed (Debian package {package})")
    return str(found)


async def call(*command: str, deadline_s: float = 120) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=deadline_s, errors="replace"
    )


def count(folder: Path) -> int:
    with sqlite3.connect(folder / "var" / "itaca.db") as ledger:
        return int(ledger.execute("SELECT count(*) FROM mails").fetchone()[0])


async def swaks(stage: StageProcess, *options: str) -> "subprocess.CompletedProcess[str]":
    """Let swaks hand over a mail to our address, with these options."""
    named = ["--server", f"127.0.0.1:{stage.smtp_port}", "--from", "a@example.org", "--to", "reclami@shop.example"]
    return await call(program("swaks", "swaks"), *named, *options)


@pytest.mark.parametrize("size_bytes", [300, 60_000])
async def test_smtp_source_hands_over_hundreds_of_mails(tmp_path: Path, size_bytes: int) -> None:
    """Postfix's load generator, ten sessions at once with pipelined recipients: each of its mails is kept."""
    source = program("smtp-source", "postfix")
    with running(tmp_path) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        options = ["-s", "10", "-m", "150", "-l", str(size_bytes), "-r", "3", "-N", "-f", "a@example.org", "-d"]
        ended = await call(source, *options, "-t", "b@shop.example", f"inet:127.0.0.1:{stage.smtp_port}")
        assert ended.returncode == 0, ended.stderr
        assert count(tmp_path) == 150


async def test_smtp_source_speaks_lmtp(tmp_path: Path) -> None:
    """By LMTP with five recipients the generator hears as many replies as it waits for."""
    source = program("smtp-source", "postfix")
    with running(tmp_path, ITACA_INGEST_PROTOCOL="lmtp") as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        options = ["-L", "-s", "3", "-m", "30", "-r", "5", "-N", "-f", "a@example.org", "-t", "b@shop.example"]
        ended = await call(source, *options, f"inet:127.0.0.1:{stage.smtp_port}")
        assert ended.returncode == 0, ended.stderr
        assert count(tmp_path) == 30


async def test_swaks_is_refused_without_detail(tmp_path: Path) -> None:
    """Strangers' recipients, a password in the clear and too much mail are refused by fixed texts."""
    large = tmp_path / "large"
    large.write_bytes(b"x" * 3_000_000)
    login = ["--auth", "PLAIN", "--auth-user", "negozio", "--auth-password", "sesamo"]
    attempts = {
        "550 5.1.1": ["--to", "x@other.example"],
        "552 5.3.4": ["--attach", f"@{large}"],
        "250 2.6.0": ["--pipeline"],
    }
    with running(tmp_path, ITACA_INGEST_RECIPIENTS="@shop.example") as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        for reply, options in attempts.items():
            said = await swaks(stage, *options)
            assert reply in said.stdout, said.stdout + said.stderr
            assert (said.returncode == 0) is (reply == "250 2.6.0")
            assert not re.search(r"Traceback|Error:|\.py\b", said.stdout)
        plain = await swaks(stage, *login)
        assert plain.returncode != 0
        assert "AUTH" not in plain.stdout.replace("--auth", "")
        assert count(tmp_path) == 1


async def test_smtplib_logs_in_over_tls_alone(tmp_path: Path) -> None:
    """To a client outside the networks the right password over TLS opens the door, nothing else does."""
    certificate, key = make_certificate(tmp_path)
    users = tmp_path / "users"
    users.write_text(new_line("negozio", "sesamo", b"0123456789abcdef") + "\n", encoding="utf-8")
    variables = {
        "ITACA_INGEST_TLS_CERTIFICATE": str(certificate),
        "ITACA_INGEST_TLS_KEY": str(key),
        "ITACA_INGEST_USERS_FILE": str(users),
        "ITACA_INGEST_NETWORKS": "10.0.0.0/8",
        "ITACA_INGEST_RECIPIENTS": "@shop.example",
    }
    context = ssl.create_default_context(cafile=certificate)

    def deliver(port: int, password: str, *, with_tls: bool) -> int:
        with smtplib.SMTP("localhost", port, timeout=60) as client:
            if with_tls:
                client.starttls(context=context)
            try:
                client.login("negozio", password)
            except smtplib.SMTPAuthenticationError as refused:
                return refused.smtp_code
            except smtplib.SMTPNotSupportedError:
                return client.mail("a@example.org")[0]
            client.sendmail("a@example.org", ["reclami@shop.example"], RAW)
            return 250

    with running(tmp_path, **variables) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        codes = [
            await asyncio.to_thread(deliver, stage.smtp_port, "sesamo", with_tls=True),
            await asyncio.to_thread(deliver, stage.smtp_port, "wrong", with_tls=True),
            await asyncio.to_thread(deliver, stage.smtp_port, "sesamo", with_tls=False),
        ]
        assert codes == [250, 535, 550]
        assert count(tmp_path) == 1


async def test_swaks_smuggles_nothing(tmp_path: Path) -> None:
    """Bytes that another program sends as they are: what looks like an end inside them is text of the one mail."""
    ends = ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n\0.\r\n"]
    smuggled = "MAIL FROM:<ceo@shop.example>\r\nRCPT TO:<x@shop.example>\r\nDATA\r\nSubject: falso\r\n\r\nfalso\r\n"
    data = tmp_path / "data"
    with running(tmp_path) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        for number, end in enumerate(ends, 1):
            data.write_bytes(f"Subject: {number}\r\n\r\nciao{end}{smuggled}\r\n.\r\n".encode())
            said = await swaks(stage, "--data", f"@{data}", "--no-data-fixup")
            assert said.stdout.count("250 2.6.0") == 1, said.stdout + said.stderr
            assert count(tmp_path) == number


async def test_a_crowd_of_idle_connections_does_not_keep_a_mail_out(tmp_path: Path) -> None:
    """With thousands of silent clients inside, a mail is taken; those over the limit hear 421 and cost nothing."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < IDLE + 500:
        require("descriptors", f"this machine grants {most} open files to a process")
    limits = {
        "ITACA_INGEST_CONNECTIONS": str(IDLE + 1),
        "ITACA_INGEST_CONNECTIONS_PER_CLIENT": str(IDLE + 1),
        "ITACA_INGEST_IDLE_TIMEOUT_S": "600",
    }
    raised = ["prlimit", f"--nofile={IDLE + 400}:{IDLE + 400}"]
    with running(tmp_path, prefix=raised, **limits) as stage:
        await until(stage.is_ready, "ingest is ready", 60)
        command = [sys.executable, "-m", "tests.support.crowd", str(stage.smtp_port), str(IDLE)]
        crowd = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        try:
            assert int(await asyncio.wait_for(crowd.stdout.readline(), 300)) == IDLE
            async with connected(stage.smtp_port) as client:
                async with connected(stage.smtp_port, hello="") as one_too_many:
                    assert (await one_too_many.reply()).startswith("421 4.7.0")
                assert (await client.mail(RAW)).startswith("250 2.6.0")
            assert stage.is_ready()
        finally:
            crowd.stdin.close()
            await asyncio.wait_for(crowd.wait(), 60)
        assert count(tmp_path) == 1
