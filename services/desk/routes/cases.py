"""The pages *All cases* and *Case*, and what changed on a case while somebody looks at it."""

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.storage.desk_case import case_head, news_since
from itaca.storage.desk_day import DayLine, all_cases, find_cases
from itaca.storage.desk_sessions import also_looking, look_at
from itaca.storage.invitations import digest
from itaca.storage.moments import to_micros
from services.desk.case_page import show_case
from services.desk.door import DeskHere, NotFoundError, Reader

router = APIRouter()
PAGE = 50


@router.get("/cases")
async def every_case(desk: DeskHere, visitor: Reader, q: str = "", after: str = "") -> Response:
    """Show open cases of everybody, what breaks first on top; or those that the words find."""
    words = q.strip()[:200]
    if words:
        found = await desk.database.read(lambda conn: find_cases(conn, words))
        if len(found) == 1 and found[0].reference == words.upper():
            return RedirectResponse(f"/cases/{found[0].reference}", 303)
    else:
        place = _place(after)
        found = await desk.database.read(lambda conn: all_cases(conn, place, PAGE + 1))
    lines, more = found[:PAGE], "" if words or len(found) <= PAGE else _after(found[PAGE - 1])
    values = {"visitor": visitor, "here": "cases", "cases": lines, "q": words, "more": more}
    return desk.pages.page("cases.html", visitor.language, values)


@router.get("/cases/{reference}")
async def one_case(desk: DeskHere, visitor: Reader, reference: str, done: str = "") -> Response:
    """Show one case."""
    return await show_case(desk, visitor, reference, done=done)


@router.get("/cases/{reference}/news")
async def news(request: Request, desk: DeskHere, visitor: Reader, reference: str, version: int) -> Response:
    """Say what changed since this version of the case was shown, and who else has it open."""
    now = desk.clock.now()

    def work(conn: Connection) -> dict[str, object] | None:
        head = case_head(conn, reference)
        if head is None:
            return None
        look_at(conn, [(digest(visitor.secret), head.reference)], now)
        others = also_looking(conn, head.reference, visitor.id, now)
        return {"case": head, "news": news_since(conn, head.id, version), "looking": others, "version": version}

    values = await desk.database.write(work)
    if values is None:
        raise NotFoundError("no case has this reference")
    return desk.pages.page("news.html", visitor.language, values)


def _place(after: str) -> tuple[int, str] | None:
    """Read a place in the list, ``<microseconds>.<case id>``; what is none begins at the top."""
    at, _, case_id = after.partition(".")
    return (int(at), case_id[:36]) if at.isascii() and at.isdigit() and len(at) < 18 else None


def _after(line: DayLine) -> str:
    return "" if line.due_at is None else f"{to_micros(line.due_at)}.{line.id}"
