"""The API as a server in a thread of its own, on a ledger in a file, for clients that speak HTTP."""

import asyncio
import socket
import threading
from pathlib import Path

import uvicorn

from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database
from tests.support.api import ApiDesk
from tests.support.ledger import Ledger
from tests.support.routed import CANCELLATION, COMPLAINT, ORDER, Desk

_PATIENCE_S = 60.0


class ApiServer:
    """Started once for many tests; ``token`` may do everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._started, self._stopping = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="api-server", daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.token = ""
        self.references: dict[str, str] = {}
        self.mail_id = ""

    def start(self) -> None:
        """Return when it answers."""
        self._thread.start()
        if not self._started.wait(_PATIENCE_S):
            raise TimeoutError("the API did not start")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_PATIENCE_S)
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        url = f"sqlite:///{self._folder}/ledger.db"
        await upgrade(url)
        database = await open_database(url)
        ledger = Ledger(database)
        api = await self._filled(ApiDesk(Desk(ledger), self._folder))
        config = uvicorn.Config(api.app, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.ensure_future(server._serve(sockets=[self._listener]))
        self._started.set()
        await self._stopping.wait()
        server.should_exit = True
        await serving
        await ledger.intake.close()
        await database.close()

    async def _filled(self, api: ApiDesk) -> ApiDesk:
        """Write some cases, so that references in requests can be right ones."""
        await api.desk.staff("agent", "lead")
        for judged in (COMPLAINT, CANCELLATION, ORDER):
            self.mail_id = await api.desk.settle(judged)
        for case in await api.desk.cases():
            self.references[case.kind] = case.reference
        self.token = await api.token("everything")
        return api
