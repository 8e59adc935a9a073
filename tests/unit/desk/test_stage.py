"""The socket of the desk."""

import socket

from services.desk.stage import bind


def test_answers_leave_at_once() -> None:
    """A page is two writes, head and body: the second never waits until the first is acknowledged."""
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
