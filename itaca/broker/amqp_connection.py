"""One connection of one role, opened again for ever."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from pamqp.common import FieldTable

from itaca.broker.amqp_calls import address, call, describe, end, without_password
from itaca.clock import Clock
from itaca.errors import TransientError

STEADY_S = 10.0
"""A connection that lived this long was sound: the next loss starts again with the shortest delay."""
LOG_EVERY_S = 60.0


@dataclass(frozen=True)
class AmqpLimits:
    """Time limits in seconds, and the heartbeat that RabbitMQ recommends (5 to 20 s).

    Attributes:
        connect_s: TCP, handshake and opening of the channels, each.
        call_s: one RPC, or one window of publishes until its last confirm.
        close_s: an orderly close; after it the connection is left to the operating system.
        retry_min_s: first delay between two attempts to connect; doubles up to ``retry_max_s``, with jitter.
        recheck_s: between two looks at a queue that exists with other arguments, or that refuses messages.
        stall_s: a queue with ready messages and a consumer without deliveries for so long mean a dead consumer.
    """

    connect_s: float = 10.0
    call_s: float = 5.0
    close_s: float = 5.0
    retry_min_s: float = 0.25
    retry_max_s: float = 30.0
    recheck_s: float = 30.0
    stall_s: float = 60.0
    heartbeat_s: int = 15


class AmqpConnection:
    """Keeps one connection: connects, lets its owner attach, waits for its end, and begins again.

    The driver's own reconnecting connection is not used: two engines of recovery on one connection fight, and
    that one answers questions about queues from its memory.

    Args:
        url: AMQP address with user and password.
        role: what it is for, shown in RabbitMQ's list of connections.
        attach: opens channels and consumers on a fresh connection; TransientError makes it try again later.
        detach: told that everything on the connection is lost.
    """

    def __init__(
        self,
        url: str,
        role: str,
        clock: Clock,
        rng: random.Random,
        limits: AmqpLimits,
        attach: Callable[[AbstractConnection], Awaitable[None]],
        detach: Callable[[], None],
    ) -> None:
        self._url, self._role, self._limits = url, role, limits
        self._clock, self._rng = clock, rng
        self._attach, self._detach = attach, detach
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost_why = ""
        self._problem = f"{role}: not started"
        self._failures = 0
        self._logged_at_s = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(role=role, broker=address(url))

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    @property
    def problem(self) -> str:
        """What is wrong, in words without a password; empty when it is up."""
        return "" if self.is_up else self._problem

    def start(self) -> None:
        """Begin to connect; never raises, returns at once; a second call does nothing."""
        if self._task is None:
            self._problem = f"{self._role}: not connected yet to {address(self._url)}"
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Close the connection and stop connecting."""
        task, self._task = self._task, None
        await end(task)
        self._problem = f"{self._role}: closed"

    async def wait_up(self) -> None:
        """Wait until the owner is attached, at most ``call_s``.

        Raises:
            TransientError: it is not.
        """
        if self._task is None:
            raise TransientError(self._problem)
        if not self.is_up:
            try:
                async with asyncio.timeout(self._limits.call_s):
                    await self._up.wait()
            except TimeoutError:
                raise TransientError(self._problem) from None

    def restart(self, why: str) -> None:
        """Give the connection up and open another one."""
        if not self._lost.is_set():
            self._lost_why = why
            self._lost.set()

    async def open_channel(self, connection: AbstractConnection, *, confirms: bool) -> AbstractChannel:
        """Open a channel whose end is the end of this connection.

        Raises:
            TransientError: it could not be opened.
        """
        channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await call(channel.initialize(), self._limits.connect_s, "opening a channel")
        channel.close_callbacks.add(self._on_channel_closed)
        return channel

    async def _run(self) -> None:
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await self._live_once()
            except TransientError as error:
                self._problem = f"{self._role}: {address(self._url)}: {without_password(str(error), self._url)}"
            self._failures = 0 if self._clock.monotonic_s() - began_s > STEADY_S else self._failures + 1
            self._log_problem()
            await self._clock.sleep(self._delay_s())

    async def _live_once(self) -> None:
        connection = await call(self._open(), self._limits.connect_s, "connecting")
        self._lost.clear()
        connection.close_callbacks.add(self._on_closed)
        try:
            await self._attach(connection)
            self._up.set()
            self._logged_at_s = float("-inf")
            self._log.info("broker.connection_opened")
            await self._lost.wait()
            raise TransientError(self._lost_why)
        finally:
            self._up.clear()
            self._detach()
            await self._close_quietly(connection)

    async def _open(self) -> AbstractConnection:
        given = parse_qs(urlsplit(self._url).query).get("heartbeat", [""])[0]
        name: FieldTable = {"connection_name": f"itaca {self._role}"}
        return await aio_pika.connect(
            self._url, client_properties=name, heartbeat=given or str(self._limits.heartbeat_s)
        )

    async def _close_quietly(self, connection: AbstractConnection) -> None:
        try:
            await call(connection.close(), self._limits.close_s, "closing")
        except TransientError as error:
            self._log.info("broker.connection_abandoned", reason=without_password(str(error), self._url))

    def _on_closed(self, _: object, error: BaseException | None) -> None:
        self.restart(f"the connection ended: {describe(error) if error else 'without a reason'}")

    def _on_channel_closed(self, _: object, error: BaseException | None) -> None:
        self.restart(f"the channel ended: {describe(error) if error else 'without a reason'}")

    def _delay_s(self) -> float:
        ceiling: float = min(self._limits.retry_max_s, self._limits.retry_min_s * 2 ** min(self._failures, 16))
        return ceiling * self._rng.uniform(0.5, 1.0)

    def _log_problem(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._logged_at_s >= LOG_EVERY_S:
            self._logged_at_s = now_s
            self._log.warning("broker.connection_lost", problem=self._problem)
