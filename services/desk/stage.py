"""Requests in, pages out.

In:     HTTP requests of people, and of systems under ``/v1``.
Out:    pages; what people do goes to the ledger in one transaction each, and leaves by the outbox.
Fails:  the ledger away -> 503, and the form is shown again; the broker is never asked, so the desk works without it.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence

import structlog
import uvicorn
from fastapi import FastAPI

from itaca.errors import ConfigurationError
from services.desk.settings import DeskSettings

log = structlog.get_logger()
GRACE_S = 5
"""How long requests in flight may take at a shutdown."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class DeskStage:
    """Serves the desk on a socket that is bound already."""

    name = "desk"

    def __init__(self, app: FastAPI, listener: socket.socket, settings: DeskSettings) -> None:
        self._listener, self._settings = listener, settings
        self._problem = "not listening yet"
        self.app = app
        self.port: int = listener.getsockname()[1]

    @property
    def address(self) -> str:
        """Return the URL by which people reach the desk."""
        return self._settings.public_url.rstrip("/") or f"http://{self._settings.host}:{self.port}"

    async def run(self, stopping: asyncio.Event) -> None:
        # Its own log would hold paths and the texts of errors; what matters is logged by this service.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[self._listener]))
        stop = asyncio.ensure_future(stopping.wait())
        self._problem = ""
        log.info("desk.listening_started", port=self.port)
        try:
            await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
            # First of all: a stream would keep the server waiting for as long as its page is open.
            await self.app.state.desk.live.close()
            server.should_exit = True
            await serving
        finally:
            stop.cancel()
            self._listener.close()
            await self.app.state.desk.cleaner.close()
            self._problem = "stopped"

    def problems(self) -> Sequence[str]:
        return [self._problem] if self._problem else []


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address.

    Raises:
        ConfigurationError: the port is taken, or the address is none of this machine.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError([f"ITACA_DESK_PORT: cannot listen on port {port} ({error.strerror})"]) from error
    # Inherited by each connection. asyncio's own loop sets it only on sockets that name their protocol, which these
    # do not: head and body leave apart, and the body waited 40 ms for the head's acknowledgement (RFC 1122, 4.2.3.2).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
