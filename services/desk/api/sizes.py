"""How much a request may hold: what is larger is refused before it fills the memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.desk.api.problems import TOO_LARGE, problem

MOST_BYTES = 32 * 1024 * 1024


class LimitedBodies:
    """Counts what comes, whatever its header claims (RFC 9110, 15.5.14)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        claimed = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if claimed.isdigit() and int(claimed) > MOST_BYTES:
            await problem(413, TOO_LARGE)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                # FastAPI turns any other error of a body into 400.
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
