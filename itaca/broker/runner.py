"""The one loop of every stage that reads a queue: take a batch, handle it, settle each message.

In:     batches of messages of one queue.
Out:    what the handler does; then ack, retry or dead letter for each message, never before the handler's commit.
Fails:  PermanentError -> each message alone, the culprit to the dead letters. TransientError -> the batch is held
        and tried again, then each message alone, the failing ones retried. An error nobody foresaw -> each alone,
        the failing ones retried until their attempts are used up, then dead. A message is never lost by it.
"""

import asyncio
from collections.abc import Sequence

import structlog

from itaca.broker.port import Broker, Consumer, Delivery
from itaca.broker.settlement import Ack, DeadLetter, Handler, Retry, Settlement, SettlementObserver
from itaca.broker.topology import QueueName
from itaca.clock import Clock
from itaca.errors import ItacaError, PermanentError, TransientError
from itaca.observability.logs import place_of

PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 15.0


class _UnforeseenError(ItacaError):
    """A handler raised what nobody foresaw. The text holds no word of the original, which may quote the mail."""


class Runner:
    """Runs one handler on one queue until it is told to stop.

    The work runs in a task of the runner's own: whoever cancels ``run``, or a connection that breaks, never
    cancels a commit half-way.

    Args:
        batch_size: most messages per call of the handler; twice as many are fetched ahead.
        patience_s: how long a batch whose backend is away is held and tried again before its messages use up an
            attempt each.
        observer: told of each settled message.
    """

    def __init__(
        self,
        broker: Broker,
        queue: QueueName,
        handler: Handler,
        *,
        batch_size: int,
        clock: Clock,
        patience_s: float = 60.0,
        observer: SettlementObserver | None = None,
    ) -> None:
        self._broker, self._queue, self._handler = broker, queue, handler
        self._batch_size, self._clock, self._patience_s = batch_size, clock, patience_s
        self._observer = observer
        self._stopping = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._consumer: Consumer | None = None
        self._log = structlog.get_logger().bind(queue=queue)

    @property
    def is_idle(self) -> bool:
        """No batch is in hand."""
        return not self._in_flight

    async def run(self) -> None:
        """Work until ``stop``; a cancellation leaves the batch in hand to ``stop``."""
        self._consumer = await self._broker.consume(self._queue, 2 * self._batch_size)
        while not self._stopping.is_set():
            batch = await self._next_batch(self._consumer)
            if batch:
                await asyncio.shield(self._begin(self._consumer, batch))

    async def stop(self, grace_s: float) -> bool:
        """Take no more batches, finish the one in hand for at most ``grace_s`` seconds, close the consumer.

        Returns:
            True if nothing was left unfinished; what was comes again to the next reader.
        """
        self._stopping.set()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=grace_s)
        is_finished = self.is_idle
        if self._consumer is not None:
            await self._consumer.close()
        self._log.info("broker.runner_stopped", finished=is_finished)
        return is_finished

    async def _next_batch(self, consumer: Consumer) -> Sequence[Delivery]:
        """Wait for messages or for the stop, whichever comes first."""
        receiving = asyncio.ensure_future(consumer.receive(self._batch_size))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else ()
        except TransientError:
            await self._pause(PAUSE_MIN_S)
            return ()
        finally:
            receiving.cancel()
            stopping.cancel()

    def _begin(self, consumer: Consumer, batch: Sequence[Delivery]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._work(consumer, batch))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return task

    async def _work(self, consumer: Consumer, batch: Sequence[Delivery]) -> None:
        """Handle each distinct body once: a message and its own redelivery in one batch are one piece of work."""
        began_s = self._clock.monotonic_s()
        bodies = list(dict.fromkeys(delivery.body for delivery in batch))
        found = await self._settlements(bodies)
        done: list[Delivery] = []
        for delivery in batch:
            settlement = found.get(delivery.body)
            if isinstance(settlement, Ack):
                done.append(delivery)
            elif settlement is not None:
                await self._hand_back(delivery, settlement, began_s)
        await consumer.ack_all(done)
        for _ in done:
            self._observe("ack", began_s)

    async def _settlements(self, bodies: list[bytes]) -> dict[bytes, Settlement]:
        """Return what to do with each body; a body that is missing is left as it is, to come again."""
        try:
            return dict(zip(bodies, await self._handle_patiently(bodies), strict=True))
        except TransientError as error:
            self._log.warning("broker.batch_failed", messages=len(bodies), error=str(error))
        except PermanentError as error:
            self._log.warning("broker.batch_refused", messages=len(bodies), error=str(error))
        except _UnforeseenError as error:
            self._log.error("broker.batch_crashed", messages=len(bodies), error=str(error))
        if self._stopping.is_set():
            return {}
        return {body: await self._handle_alone(body) for body in bodies}

    async def _handle_patiently(self, bodies: Sequence[bytes]) -> Sequence[Settlement]:
        """Call the handler, and again with growing pauses while its backend is away.

        Raises:
            TransientError: the patience is used up, or the runner stops.
        """
        pause_s, waited_s = PAUSE_MIN_S, 0.0
        while True:
            try:
                return await self._handle(bodies)
            except TransientError as error:
                if waited_s >= self._patience_s or self._stopping.is_set():
                    raise
                self._log.info("broker.batch_held", messages=len(bodies), error=str(error), pause_s=pause_s)
            await self._pause(pause_s)
            waited_s += pause_s
            pause_s = min(PAUSE_MAX_S, 2 * pause_s)

    async def _handle_alone(self, body: bytes) -> Settlement:
        try:
            (settlement,) = await self._handle([body])
        except PermanentError as error:
            return DeadLetter(str(error))
        except ItacaError as error:
            self._log.warning("broker.message_failed", error=str(error))
            return Retry(str(error))
        return settlement

    async def _handle(self, bodies: Sequence[bytes]) -> Sequence[Settlement]:
        """Call the handler; whatever it raises comes out as an error of ours.

        Raises:
            TransientError, PermanentError: as the handler raised them.
            _UnforeseenError: it raised anything else, or answered for another number of messages.
        """
        try:
            settlements = await self._handler(bodies)
        except ItacaError:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise TransientError("a connection was declared stuck in the middle of the work") from error
        except Exception as error:
            # One of the three places: a bug of ours must cost neither the loop nor a message.
            raise _UnforeseenError(_type_and_place(error)) from error
        if len(settlements) != len(bodies):
            raise _UnforeseenError(f"{len(settlements)} answers for {len(bodies)} messages")
        return settlements

    async def _hand_back(self, delivery: Delivery, settlement: Retry | DeadLetter, began_s: float) -> None:
        """Retry or bury one message; while the broker refuses, wait: nothing else could be handed back either."""
        pause_s = PAUSE_MIN_S
        while True:
            try:
                if isinstance(settlement, Retry):
                    await delivery.retry(settlement.reason)
                else:
                    await delivery.dead_letter(settlement.reason)
            except ItacaError as error:
                self._log.warning("broker.settlement_failed", error=str(error))
                if self._stopping.is_set():
                    return
                await self._pause(pause_s)
                pause_s = min(PAUSE_MAX_S, 2 * pause_s)
            else:
                self._observe("retry" if isinstance(settlement, Retry) else "dead_letter", began_s)
                return

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not into a stop."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sleeping, stopping):
            task.cancel()

    def _observe(self, how: str, began_s: float) -> None:
        if self._observer is not None:
            self._observer.on_settled(self._queue, how, self._clock.monotonic_s() - began_s)


def _type_and_place(error: Exception) -> str:
    return f"unforeseen {type(error).__name__} at {place_of(error)}"
