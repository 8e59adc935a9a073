"""The page of one process: /metrics, /healthz and /readyz on a listener of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from itaca.errors import ConfigurationError


class Checked(Protocol):
    """Something that knows what keeps it from its work."""

    def problems(self) -> Sequence[str]: ...


class NamedCheck(Checked, Protocol):
    @property
    def name(self) -> str: ...


class HealthServer:
    """Answers while the process lives; ``/readyz`` is 503 until every stage can do its work."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._stages: Sequence[NamedCheck] | None = None
        self._broker: Checked | None = None
        app = Starlette(
            routes=[
                Route("/metrics", self._metrics),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
            ]
        )
        self._server = uvicorn.Server(
            uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off", ws="none")
        )
        self._address = f"{host}:{port}"
        self._task: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None
        self.port = port

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: the port is taken.
        """
        config = self._server.config
        try:
            self._listener = listener = _listen(config.host, config.port)
        except OSError as error:
            raise ConfigurationError(
                [f"ITACA_METRICS_PORT: {self._address} cannot be listened on ({error.strerror}); choose another"]
            ) from error
        self.port = listener.getsockname()[1]
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="health")

    def watch(self, stages: Sequence[NamedCheck], broker: Checked) -> None:
        """From now on readiness is the stages' and the broker's."""
        self._stages, self._broker = stages, broker

    async def close(self) -> None:
        if self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._listener is not None:
            # uvicorn leaves it open when it is told to exit before it has begun.
            self._listener.close()

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _: Request) -> Response:
        issues = self._issues()
        body = {"healthy": not issues, "issues": issues}
        return JSONResponse(body, status_code=503 if issues else 200)

    def _issues(self) -> list[str]:
        if self._stages is None or self._broker is None:
            return ["starting: the ledger is not open yet"]
        issues = [f"broker: {problem}" for problem in self._broker.problems()]
        return issues + [f"{stage.name}: {problem}" for stage in self._stages for problem in stage.problems()]


@contextlib.contextmanager
def _no_signals() -> Iterator[None]:
    """Leave the signals to the process: uvicorn would take SIGTERM for itself."""
    yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(64)
    listener.setblocking(False)
    return listener
