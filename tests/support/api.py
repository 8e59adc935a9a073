"""The API on a test ledger, asked inside the test's process."""

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from itaca.broker.memory import MemoryBroker
from itaca.cases.policy import Policy
from itaca.observability.metrics import Metrics
from itaca.process import Parts
from itaca.settings import SharedSettings, load
from itaca.storage.tokens import Scope, add_token
from services.desk.api.app import routes
from services.desk.settings import DeskSettings
from tests.support.ledger import open_ledger
from tests.support.routed import Desk

UNLIMITED = {"api_reads_per_s": 0, "api_writes_per_s": 0}
"""The clock of most tests stands still, and no bucket would ever fill."""


class ApiDesk:
    """A ledger with an API in front of it, and a client whose token may do everything."""

    def __init__(self, desk: Desk, folder: Path, database: Any = None, **settings: Any) -> None:
        self.desk, self.metrics = desk, Metrics()
        shared = load(SharedSettings, {"ITACA_DATA_DIR": str(folder)})
        ledger = desk.ledger
        broker = MemoryBroker(ledger.clock, random.Random(1))
        parts = Parts(shared, database or ledger.database, broker, ledger.clock, ledger.rng, self.metrics)
        self.app = Starlette(routes=routes(parts, Policy(), DeskSettings(**{**UNLIMITED, **settings})))
        self._clients: list[httpx.AsyncClient] = []
        self.client: httpx.AsyncClient

    async def token(self, name: str, *scopes: Scope, **more: Any) -> str:
        """Make a token; without scopes it may do everything."""
        now = self.desk.now
        chosen = scopes or tuple(Scope)
        return await self.desk.ledger.database.write(lambda conn: add_token(conn, name, chosen, now, **more))

    async def as_(self, token: str) -> httpx.AsyncClient:
        """Return a client that shows this token."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(transport=transport, base_url="http://itaca.example/v1", headers=headers)
        self._clients.append(client)
        return client

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Post a body a second after whatever was before."""
        await self.desk.pass_time(seconds=1)
        return await self.client.post(path, json=body, **more)

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@contextlib.asynccontextmanager
async def open_api(folder: Path, *staff: str, **settings: Any) -> AsyncIterator[ApiDesk]:
    """Open an API on a ledger in memory, with people each led by the next."""
    async with open_ledger("sqlite://") as ledger:
        desk = Desk(ledger)
        await desk.staff(*(staff or ("agent", "lead", "head")))
        api = ApiDesk(desk, folder, **settings)
        api.client = await api.as_(await api.token("everything"))
        try:
            yield api
        finally:
            await api.close()


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the problem that the answer must be."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    return body
