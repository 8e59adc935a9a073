"""The ingest stage at work: it listens, and on the way out finishes what is in hand."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Callable, Sequence

import structlog

from itaca.errors import ConfigurationError
from itaca.process import Parts
from services.ingest.conversation import SessionRules
from services.ingest.door import Door, Recipients
from services.ingest.handler import Acceptance, Ledger
from services.ingest.limits import BytesInHand, Connections, FreeSpace
from services.ingest.lmtp import LmtpSession
from services.ingest.queue import DispatchQueue
from services.ingest.sessions import Sessions
from services.ingest.settings import IngestSettings
from services.ingest.smtp import SmtpSession
from services.ingest.tls import load_tls
from services.ingest.users import Users

log = structlog.get_logger()
_BACKLOG = 128
_DRAIN_S = 5.0


class IngestStage:
    """Ends in the order of reliability: listener, transfers, commits, readings.

    Attributes:
        port: the one it is bound to, also when the setting says 0.
    """

    name = "ingest"

    def __init__(
        self,
        listener: socket.socket,
        new_session: Callable[[], SmtpSession],
        door: Door,
        sessions: Sessions,
        acceptance: Acceptance,
        queue: DispatchQueue,
        grace_s: float,
    ) -> None:
        self._listener = listener
        self._new_session = new_session
        self._door = door
        self._sessions = sessions
        self._acceptance = acceptance
        self._queue = queue
        self._grace_s = grace_s
        self.port: int = listener.getsockname()[1]

    def problems(self) -> Sequence[str]:
        found = []
        if self._door.is_closing:
            found.append("shutting down")
        if self._door.free_space.is_low():
            found.append("free disk space is low: mail is put off with 452")
        if self._acceptance.is_ledger_away:
            found.append("the ledger does not take mail: it is put off with 451")
        return found

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``, then finish: what is cut short stays with its sender."""
        server = await asyncio.get_running_loop().create_server(
            self._new_session, sock=self._listener, backlog=_BACKLOG
        )
        reading = asyncio.create_task(self._queue.run(), name="ingest.reading")
        log.info("ingest.listening_started", port=self.port)
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({stop, reading}, return_when=asyncio.FIRST_COMPLETED)
            self._door.is_closing = True
            server.close()
            cut = await self._sessions.close(self._grace_s)
            await self._acceptance.settle()
            if not reading.done():
                await self._queue.drain(_DRAIN_S)
            log.info("ingest.listening_stopped", transfers_cut=cut)
        finally:
            stop.cancel()
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            await self._queue.close()


def assemble(parts: Parts, settings: IngestSettings, ledger: Ledger, queue: DispatchQueue) -> IngestStage:
    """Put the stage together around a ledger and a queue; whoever connects from now on waits for ``run``.

    Raises:
        ConfigurationError: the port is taken.
    """
    sessions = Sessions()
    door = _door(parts, settings)
    acceptance = Acceptance(
        ledger,
        queue.offer,
        parts.metrics,
        parts.clock,
        listener=settings.protocol,
        timeout_s=settings.store_timeout_s,
        max_hops=settings.max_hops,
    )
    rules = _rules(settings)
    kind = LmtpSession if settings.protocol == "lmtp" else SmtpSession

    def new_session() -> SmtpSession:
        return kind(rules, door, acceptance, sessions, parts.metrics)

    return IngestStage(_bound(settings), new_session, door, sessions, acceptance, queue, settings.shutdown_grace_s)


def _door(parts: Parts, settings: IngestSettings) -> Door:
    folder = parts.settings.data_dir
    return Door(
        networks=settings.networks,
        recipients=Recipients.named(settings.recipients),
        max_recipients=settings.max_recipients,
        connections=Connections(settings.connections, settings.connections_per_client, settings.exempt_networks),
        bytes_in_hand=BytesInHand(settings.bytes_in_hand),
        free_space=FreeSpace(
            lambda: shutil.disk_usage(folder).free,
            settings.size_limit_bytes,
            settings.min_free_bytes,
            parts.clock,
        ),
    )


def _rules(settings: IngestSettings) -> SessionRules:
    has_tls = settings.tls_certificate is not None and settings.tls_key is not None
    return SessionRules(
        hostname=settings.hostname or socket.gethostname() or "localhost",
        size_limit_bytes=settings.size_limit_bytes,
        idle_timeout_s=settings.idle_timeout_s,
        data_grace_s=settings.data_grace_s,
        data_limit_s=settings.data_limit_s,
        min_rate=settings.data_min_rate,
        error_limit=settings.error_limit,
        tls=load_tls(settings.tls_certificate, settings.tls_key) if has_tls else None,  # type: ignore[arg-type]
        users=Users.from_file(settings.users_file) if settings.users_file is not None else None,
    )


def _bound(settings: IngestSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if settings.reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        problem = f"{settings.variable('port')}: {where} cannot be listened on ({error.strerror}); choose another"
        raise ConfigurationError([problem]) from error
    listener.setblocking(False)
    return listener
