"""A stream of server-sent events (HTML Living Standard, 9.2) for each open page: it says that something changed."""

import asyncio
import contextlib

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from itaca.cases.roles import Right
from itaca.storage.invitations import digest
from services.desk.door import DeniedError, DeskHere, NotFoundError, SignedIn, Visitor
from services.desk.live import Live, Page, Topic

router = APIRouter()
BEAT_S = 20.0
"""A comment so often keeps proxies from closing a silent stream, and finds out who has gone without a word."""
SLOWEST_S = 30.0
"""Who does not take a few bytes within this time is cut off."""
_CHANGED = b"data: changed\n\n"
_BEAT = b":\n\n"
_RIGHTS = {"case": Right.READ, "day": Right.READ, "review": Right.WORK, "flow": Right.FLOW}


class LiveStream(Response):
    """One stream; it ends with its page, its session, or the desk.

    A browser that cannot have one (204) does not ask again by itself: the page looks by a clock instead.
    """

    media_type = "text/event-stream"

    def __init__(self, live: Live, session: str, topic: Topic) -> None:
        # Some proxies keep an answer until it is whole, unless told not to (nginx, ngx_http_proxy_module).
        super().__init__(headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._live, self._session, self._topic = live, session, topic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = self._live.enter(self._session, self._topic)
        if listener is None:
            await Response(status_code=204)(scope, receive, send)
            return

        async def notice_the_end() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            listener.end()

        async def put(body: bytes, more: bool = True) -> None:
            async with asyncio.timeout(SLOWEST_S):
                await send({"type": "http.response.body", "body": body, "more_body": more})

        ending = asyncio.ensure_future(notice_the_end())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await put(b"retry: 3000\n\n")
            while not listener.is_over:
                has_changed = await listener.changed(BEAT_S)
                await put(_CHANGED if has_changed else _BEAT)
                if has_changed:
                    await listener.rest(self._topic.page.value)
            await put(b"", more=False)
        except TimeoutError:
            return
        finally:
            self._live.leave(listener)
            ending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ending


@router.get("/live")
async def live(desk: DeskHere, visitor: SignedIn, page: str, case: str = "") -> Response:
    """Tell whoever has a page open when it changes."""
    if page not in _RIGHTS:
        raise NotFoundError("no such page is live")
    if not visitor.may(_RIGHTS[page]):
        raise DeniedError("the role does not allow it")
    return LiveStream(desk.live, digest(visitor.secret), _topic(visitor, Page[page.upper()], case))


def _topic(visitor: Visitor, page: Page, case: str) -> Topic:
    of = {Page.CASE: case[:16].upper(), Page.DAY: visitor.id}
    return Topic(page, of.get(page, ""))
