"""The pages *All cases* and *Case*, and what changed on a case while somebody looks at it."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.contracts.intents import CaseKind
from itaca.storage.desk_case import case_head, news_since
from itaca.storage.desk_lists import WORKED_ON, breaks_where, count_open, open_cases_page
from itaca.storage.desk_search import LONGEST_WORDS, search_cases
from itaca.storage.desk_sessions import also_looking, look_at
from itaca.storage.invitations import digest
from itaca.storage.paging import Place
from services.desk.case_page import FEW, show_case
from services.desk.door import DeskHere, NotFoundError, Reader
from services.desk.places import pager, place_by_id, place_by_moment

router = APIRouter()


@router.get("/cases")
async def every_case(
    desk: DeskHere, visitor: Reader, q: str = "", kind: str = "", after: str = "", before: str = ""
) -> Response:
    """Show open cases of everybody, what breaks first on top; or those that the words find, the newest first."""
    words = "".join(char for char in q if char.isprintable()).strip()[:LONGEST_WORDS]
    only = kind if kind in WORKED_ON else ""
    values: dict[str, Any] = {"visitor": visitor, "here": "cases", "q": words, "kind": only, "kinds": WORKED_ON}
    if words:
        spot = place_by_id(after, before)
        found = await desk.database.read(lambda conn: search_cases(conn, words, spot))
        if found.is_exact:
            return RedirectResponse(f"/cases/{found.page.lines[0].reference}", 303)
        values |= {"page": found.page, "is_cut": found.is_cut, "total": None}
        values["pager"] = pager(found.page, lambda line: line.id, "/cases", q=words)
    else:
        values |= await desk.database.read(partial(_open_cases, only=only, place=place_by_moment(after, before)))
        values["pager"] = pager(values["page"], breaks_where, "/cases", kind=only)
    return desk.pages.page("cases.html", visitor.language, values)


def _open_cases(conn: Connection, only: str, place: Place | None) -> dict[str, Any]:
    kinds = (CaseKind(only),) if only else WORKED_ON
    return {"page": open_cases_page(conn, None, kinds, place), "total": count_open(conn, None, kinds)}


@router.get("/cases/{reference}")
async def one_case(desk: DeskHere, visitor: Reader, reference: str, done: str = "", shown: int = FEW) -> Response:
    """Show one case."""
    return await show_case(desk, visitor, reference, done=done, shown=shown)


@router.get("/cases/{reference}/news")
async def news(request: Request, desk: DeskHere, visitor: Reader, reference: str, version: int) -> Response:
    """Say what changed since this version of the case was shown, and who else has it open."""
    now = desk.clock.now()

    def work(conn: Connection) -> dict[str, object] | None:
        head = case_head(conn, reference)
        if head is None:
            return None
        if not desk.live.is_closed:
            look_at(conn, [(digest(visitor.secret), head.reference)], now)
        others = also_looking(conn, head.reference, visitor.id, now)
        return {"case": head, "news": news_since(conn, head.id, version), "looking": others, "version": version}

    values = await desk.database.write(work)
    if values is None:
        raise NotFoundError("no case has this reference")
    return desk.pages.page("news.html", visitor.language, values)
