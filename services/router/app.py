"""The router as a stage: the one place where it meets its adapters."""

import asyncio
from collections.abc import Sequence

from itaca.broker.runner import Runner
from itaca.broker.topology import ROUTER_MAIL_CLASSIFIED
from itaca.cases.policy import company_policy
from itaca.observability.stages import StageObserver
from itaca.process import Parts, read_until
from services.router.handler import Router
from services.router.settings import RouterSettings

GRACE_S = 20.0
PATIENCE_S = 20 * 60.0
"""A batch is held so long while the ledger is away, before its messages use up attempts: less than the half hour
after which RabbitMQ takes back what nobody acknowledged."""


class RouterStage:
    """Reads ``router.mail_classified`` until it is told to stop."""

    name = "router"

    def __init__(self, parts: Parts, settings: RouterSettings) -> None:
        wanted, policy = settings.audit_per_month, company_policy(parts.settings)
        router = Router(parts.database, parts.clock, parts.rng, policy, parts.metrics, wanted)
        self._runner = Runner(
            parts.broker,
            ROUTER_MAIL_CLASSIFIED,
            router.handle,
            batch_size=settings.batch_size,
            clock=parts.clock,
            patience_s=PATIENCE_S,
            observer=StageObserver(self.name, parts.metrics),
        )

    async def run(self, stopping: asyncio.Event) -> None:
        await read_until(stopping, self._runner, GRACE_S)

    def problems(self) -> Sequence[str]:
        return ()


def build(parts: Parts, settings: RouterSettings) -> RouterStage:
    return RouterStage(parts, settings)
