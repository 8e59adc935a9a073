"""A real Postfix of its own in front of Itaca: private folders, loopback only, short retries, stopped by pid."""

import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.rabbitmq import is_listening, wait_for_fact
from tests.support.require import require

MAIN = """
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mail.azienda.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost =
transport_maps = inline:{{ {{ azienda.example = smtp:[127.0.0.1]:{port} }} }}
relay_domains = azienda.example
minimal_backoff_time = 2s
maximal_backoff_time = 3s
queue_run_delay = 2s
smtp_destination_concurrency_failed_cohort_limit = 1000
smtp_connect_timeout = 5s
smtp_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
"""

MASTER = """
127.0.0.1:{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
verify unix - - n - 1 verify
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One private instance; ``port`` takes mail for azienda.example and forwards it to Itaca."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="itaca-postfix-", dir="/tmp"))
        self.port = free_port()
        self._started = False

    def start(self, itaca_port: int) -> None:
        """Start it, forwarding to the given port of 127.0.0.1."""
        self.home.chmod(0o755)
        for name in ("etc", "data", "spool"):
            (self.home / name).mkdir()
        shutil.copy("/usr/share/postfix/main.cf.dist", self.home / "etc" / "main.cf.dist")
        (self.home / "etc" / "main.cf").write_text(MAIN.format(home=self.home, port=itaca_port))
        (self.home / "etc" / "master.cf").write_text(MASTER.format(listen=self.port))
        shutil.chown(self.home / "data", "postfix")
        self._run("postfix", "-c", str(self.home / "etc"), "start")
        self._started = True
        wait_for_fact(lambda: is_listening(self.port), f"postfix listens ({self.log()[-500:]})", 30)

    def submit(self, sender: str, recipient: str, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail(sender, [recipient], raw)

    def deferred(self) -> int:
        """Return how many mails it holds."""
        folders = (self.home / "spool" / name for name in ("incoming", "active", "deferred"))
        return sum(1 for folder in folders for path in folder.rglob("*") if path.is_file())

    def log(self) -> str:
        path = self.home / "postfix.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Stop the master process by its pid, and remove the folders."""
        pid_file = self.home / "spool" / "pid" / "master.pid"
        if self._started and pid_file.exists():
            pid = int(pid_file.read_text())
            os.kill(pid, signal.SIGTERM)
            wait_for_fact(lambda: not Path(f"/proc/{pid}").exists(), "postfix has ended", 30)
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.log()}"


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    """Give a test a Postfix that it starts in front of its Itaca."""
    if shutil.which("postfix") is None:
        require("postfix", "Postfix is missing: install the Debian package postfix")
    if os.geteuid() != 0:
        require("postfix", "Postfix needs root to start: run the tests as root")
    server = Postfix()
    try:
        yield server
    finally:
        server.stop()
