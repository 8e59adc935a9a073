"""TCP ports of 127.0.0.1 that nobody else takes between the choice and the use, whoever tests beside us."""

import itertools
import os
import random
import socket
from pathlib import Path

FIRST_PORT = 12_000
"""What Itaca and its backends listen on by default lies below."""
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_next_ports = itertools.count(random.Random(os.getpid()).randrange(1 << 20))


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on, and that no other call on this machine ever returns.

    It lies below the range out of which the kernel serves ``bind(0)`` and outgoing connections, so none of them takes
    it before its owner listens. The choice is held until this process ends: a backend that is killed and started
    again finds its port as it left it.

    Raises:
        OSError: no port is left.
    """
    lowest_ephemeral = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    ports = lowest_ephemeral - FIRST_PORT
    for number in itertools.islice(_next_ports, ports):
        port = FIRST_PORT + number % ports
        if _is_ours(port) and _can_be_bound(port):
            return port
    raise OSError("every port for tests is taken")


def _is_ours(port: int) -> bool:
    """Hold the port against other test processes: an abstract socket's name has one holder, and ends with it."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0itaca-test-port-{port}")
    except OSError:
        holder.close()
        return False
    holder.detach()
    return True


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
