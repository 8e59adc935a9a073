"""How much a form may hold: what is larger is refused before it fills the disk."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.desk.settings import MEGABYTE

MOST_BYTES = 40 * MEGABYTE
"""More than the files of any form of the desk together; each form has a limit of its own beside this one."""
MOST_TEXT_BYTES = MEGABYTE
"""A form without files is held in memory, whoever sends it: also before it is known who that is."""
_API = "/v1"


class LimitedForms:
    """Counts what comes, whatever its header claims; the API has limits of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        has_files = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
        claimed, most = headers.get(b"content-length", b"0"), MOST_BYTES if has_files else MOST_TEXT_BYTES
        taken = int(claimed) if claimed.isdigit() and int(claimed) > most else 0

        async def counted() -> Message:
            nonlocal taken
            if taken > most:
                raise HTTPException(413)
            message = await receive()
            taken += len(message.get("body", b""))
            return message

        await self._app(scope, counted, send)


def add_to(app: FastAPI) -> None:
    """Let the application refuse forms that are too large."""
    app.add_middleware(LimitedForms)
