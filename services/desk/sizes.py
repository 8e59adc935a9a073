"""How much a form may hold: what is larger is refused before it fills the disk."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.desk.settings import MEGABYTE

MOST_BYTES = 40 * MEGABYTE
"""More than the files of any form of the desk together; each form has a limit of its own beside this one."""
_API = "/v1"


class LimitedForms:
    """Counts what comes, whatever its header claims; the API has limits of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        claimed = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        taken = int(claimed) if claimed.isdigit() and int(claimed) > MOST_BYTES else 0

        async def counted() -> Message:
            nonlocal taken
            if taken > MOST_BYTES:
                raise HTTPException(413)
            message = await receive()
            taken += len(message.get("body", b""))
            return message

        await self._app(scope, counted, send)


def add_to(app: FastAPI) -> None:
    """Let the application refuse forms that are too large."""
    app.add_middleware(LimitedForms)
