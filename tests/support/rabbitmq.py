"""A real RabbitMQ for one test session: its own node, ports, port mapper and folders, stopped by pid."""

import base64
import contextlib
import ctypes
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.require import require

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
USER, PASSWORD = "itaca", "porta-a-casa"
PREPARED_VHOSTS = 60
START_DEADLINE_S = 300.0
"""RabbitMQ starts in seven seconds, and took two minutes on a machine that did ten other things."""


def wait_for_fact(fact: Callable[[], bool], what: str, timeout_s: float = START_DEADLINE_S) -> None:
    """Return when ``fact`` holds.

    Raises:
        AssertionError: it does not hold within ``timeout_s`` seconds.
    """
    gate = socket.socketpair()
    deadline = time.monotonic() + timeout_s
    try:
        gate[0].settimeout(0.05)
        while not fact():
            assert time.monotonic() < deadline, f"{what} within {timeout_s} s"
            with contextlib.suppress(TimeoutError):
                gate[0].recv(1)
    finally:
        for end in gate:
            end.close()


def is_listening(port: int) -> bool:
    """Tell whether somebody accepts connections on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def die_with_the_tests() -> None:
    """Ask the kernel to kill this child when the test run is killed: then no fixture could (prctl(2), Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def is_in_main_thread() -> bool:
    """Tell whether a child started now may die with its parent: the kernel means the thread that started it.

    A server that a test starts again from a thread of its event loop would be killed with that loop.
    """
    return threading.current_thread() is threading.main_thread()


class RabbitServer:
    """One broker as a plain child process; every control acts on the pids that were started here.

    Attributes:
        port: AMQP port on 127.0.0.1.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self._dist_port, self._epmd_port = free_port(), free_port(), free_port()
        self._node = f"itaca{os.getpid()}@localhost"
        self._vhosts = itertools.count(1)
        self._broker: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._write_configuration()

    def url(self, vhost: str, port: int | None = None) -> str:
        """Return the address of a virtual host, through another port (a proxy's) if given."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{port or self.port}/{vhost}"

    def new_vhost(self) -> str:
        """Return a virtual host that no test has used."""
        number = next(self._vhosts)
        if number > PREPARED_VHOSTS:
            self.rabbitmqctl("add_vhost", f"v{number}")
            self.rabbitmqctl("set_permissions", "-p", f"v{number}", USER, ".*", ".*", ".*")
        return f"v{number}"

    def start(self) -> None:
        """Start the port mapper and the broker and wait until it accepts connections."""
        self.launch()
        self.wait_up()

    def launch(self) -> None:
        """Start the port mapper and the broker; from a thread that lives on, for the broker dies with it."""
        if self._epmd is None:
            epmd = shutil.which("epmd") or "epmd"
            arguments = [epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1", "-relaxed_command_check"]
            quiet = subprocess.DEVNULL
            self._epmd = subprocess.Popen(
                arguments, env=self._environment(), stdout=quiet, stderr=quiet, preexec_fn=die_with_the_tests
            )
            wait_for_fact(lambda: is_listening(self._epmd_port), "the port mapper listens")
        log = (self.home / "console.log").open("ab")
        with log:
            self._broker = subprocess.Popen(
                [str(SCRIPTS / "rabbitmq-server")],
                env=self._environment(),
                cwd=self.home,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_the_tests if is_in_main_thread() else None,
            )

    def wait_up(self) -> None:
        """Return when the broker accepts connections."""
        wait_for_fact(self._is_up, f"RabbitMQ listens on {self.port}, see {self.home}")

    def kill9(self) -> None:
        """Kill the broker and its port programs without a warning."""
        assert self._broker is not None
        os.killpg(self._broker.pid, signal.SIGKILL)
        self._broker.wait(timeout=20)
        self._broker = None

    def stop_s(self) -> None:
        """Freeze the broker (SIGSTOP); the kernel still accepts connections for it."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill the broker if it runs and start it again on the same port and data."""
        if self._broker is not None:
            self.kill9()
        self.start()

    def rabbitmqctl(self, *args: str) -> str:
        """Run the broker's own control program and return what it prints; one to two seconds."""
        command = [str(SCRIPTS / "rabbitmqctl"), "-q", "-n", self._node, *args]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"rabbitmqctl {args[0]}: {done.stderr or done.stdout}"
        return done.stdout

    def close(self) -> None:
        """End the broker and the port mapper that were started here."""
        if self._broker is not None and self._broker.poll() is None:
            self.cont()
            self._broker.terminate()
            try:
                self._broker.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.kill9()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(timeout=10)

    def _signal(self, number: signal.Signals) -> None:
        assert self._broker is not None
        os.killpg(self._broker.pid, number)

    def _is_up(self) -> bool:
        assert self._broker is not None
        assert self._broker.poll() is None, f"RabbitMQ ended by itself, see {self.home}"
        return is_listening(self.port)

    def _write_configuration(self) -> None:
        salt = b"itac"
        digest = base64.b64encode(salt + hashlib.sha256(salt + PASSWORD.encode()).digest()).decode()
        names = [f"v{number}" for number in range(1, PREPARED_VHOSTS + 1)]
        rights = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [{"name": USER, "password_hash": digest, "tags": "administrator"}],
            "vhosts": [{"name": name} for name in ["/", *names]],
            "permissions": [{"vhost": name, **rights} for name in ["/", *names]],
        }
        (self.home / "definitions.json").write_text(json.dumps(definitions))
        (self.home / "enabled_plugins").write_text("[].")
        (self.home / "rabbitmq-env.conf").write_text("")
        settings = [
            f"load_definitions = {self.home}/definitions.json",
            "disk_free_limit.absolute = 10MB",
        ]
        (self.home / "rabbitmq.conf").write_text("\n".join(settings) + "\n")

    def _environment(self) -> dict[str, str]:
        home = str(self.home)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/rabbitmq-env.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
            # The start script then becomes the Erlang machine itself, so that our pid is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """Give one running RabbitMQ to the whole session."""
    if not (SCRIPTS / "rabbitmq-server").exists() or shutil.which("epmd") is None:
        require("rabbitmq", "RabbitMQ is missing: install the Debian package rabbitmq-server")
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def rabbit_vhost(rabbit_server: RabbitServer) -> str:
    """Give a test a virtual host of its own."""
    return rabbit_server.new_vhost()


@pytest.fixture
def rabbit_url(rabbit_server: RabbitServer, rabbit_vhost: str) -> str:
    """Give a test the address of its own virtual host."""
    return rabbit_server.url(rabbit_vhost)
