"""A real PostgreSQL for one test session: its own folder, port and user, stopped by pid."""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from itaca.storage.migrate import upgrade
from tests.support.ports import free_port
from tests.support.rabbitmq import is_listening, wait_for_fact
from tests.support.require import require

TEMPLATE = "itaca_template"
SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "autovacuum": "off",
}


def find_programs() -> Path | None:
    """Return the folder of the newest installed server, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    anywhere = shutil.which("initdb")
    return Path(anywhere).resolve().parent if anywhere else None


class PostgresServer:
    """One server as a plain child process; every control acts on pids that were started here.

    Attributes:
        port: TCP port on 127.0.0.1; everybody who connects is trusted.
    """

    def __init__(self, programs: Path, settings: dict[str, str] | None = None) -> None:
        self.programs = programs
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="itaca-postgres-"))
        self._settings = SETTINGS | (settings or {})
        self._names = itertools.count(1)
        self._server: subprocess.Popen[bytes] | None = None
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            self._prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self.give(self.home)
        arguments = ["--no-sync", "-A", "trust", "-U", "itaca", "--wal-segsize=1", "-E", "UTF8", "--locale=C"]
        self._run(str(programs / "initdb"), *arguments, "-D", str(self.home / "data"))

    def url(self, name: str, port: int | None = None) -> str:
        """Return the address of a database, through another port (a proxy's) if given."""
        return f"postgresql+asyncpg://itaca:porta-a-casa@127.0.0.1:{port or self.port}/{name}"

    def new_database(self) -> str:
        """Return the name of a fresh ledger, copied from the migrated template."""
        name = f"ledger{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def new_empty_database(self) -> str:
        """Return the name of a database without tables."""
        name = f"empty{next(self._names)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser, outside of any transaction, and return what psql prints."""
        commands = [part for statement in statements for part in ("-c", statement)]
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "itaca", "-d", database]
        psql = [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return self._run(*psql, *address, *commands)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [part for item in self._settings.items() for part in ("-c", "=".join(item))]
        data = ["-D", str(self.home / "data"), "-p", str(self.port), "-c", f"unix_socket_directories={self.home}"]
        with (self.home / "console.log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self._prefix, str(self.programs / "postgres"), *data, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for_fact(self._is_up, f"PostgreSQL answers on {self.port}, see {self.home}")

    def console(self) -> str:
        """Return what the server has said since it was made."""
        return (self.home / "console.log").read_text(encoding="utf-8", errors="replace")

    def give(self, folder: Path) -> None:
        """Make a folder and what is in it the server's own, which is another user when root runs the tests."""
        if self._prefix:
            owner = pwd.getpwnam("nobody").pw_uid
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner, -1)

    def kill9(self) -> None:
        """Kill the server and every backend without a warning; it may have died by itself before."""
        assert self._server is not None
        if self._server.poll() is None:
            self._signal(signal.SIGKILL)
        self._server.wait(timeout=20)
        self._server = None

    def stop_s(self) -> None:
        """Freeze the server (SIGSTOP); the kernel still accepts connections for it."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill the server if it runs and start it again on the same port and data."""
        if self._server is not None:
            self.kill9()
        self.start()

    def close(self) -> None:
        """End the server at once (its data goes as well) and remove its folder."""
        if self._server is not None and self._server.poll() is None:
            self.cont()
            self._server.send_signal(signal.SIGQUIT)
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill9()
        shutil.rmtree(self.home, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the server and its backends; each backend leads a session of its own, so a group is not enough."""
        assert self._server is not None
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        for pid in [self._server.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_up(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, f"PostgreSQL ended by itself, see {self.home}"
        if not is_listening(self.port):
            return False
        ready = [str(self.programs / "pg_isready"), "-q", "-U", "itaca", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, timeout=10).returncode == 0

    def _run(self, *command: str) -> str:
        done = subprocess.run([*self._prefix, *command], capture_output=True, text=True, timeout=60, cwd="/")
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stderr or done.stdout}"
        return done.stdout.strip()


def fresh_server() -> Iterator[PostgresServer]:
    """Run one PostgreSQL with a migrated template; tests that kill it want one of their own.

    Recovery after a kill replays what every database made before it has written: minutes, after hundreds of tests.
    """
    programs = find_programs()
    if programs is None or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        require("postgres", "PostgreSQL is missing: install the Debian package postgresql (and util-linux as root)")
    server = PostgresServer(programs)
    try:
        server.start()
        server.sql(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(upgrade(server.url(TEMPLATE)))
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give one running PostgreSQL with a migrated template to the whole session."""
    yield from fresh_server()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """Give a test the address of a fresh ledger."""
    return postgres_server.url(postgres_server.new_database())
