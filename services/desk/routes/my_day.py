"""The page *My day*: what breaks first, what waits for a decision, what came back."""

from datetime import datetime, time, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right
from itaca.storage.desk_day import came_back, reviews_waiting
from itaca.storage.desk_lists import breaks_where, count_open, open_cases_page
from services.desk.desk import Desk
from services.desk.door import DeskHere, SignedIn
from services.desk.places import pager, place_by_moment

router = APIRouter()


@router.get("/", name="my_day")
async def my_day(desk: DeskHere, visitor: SignedIn, after: str = "", before: str = "") -> Response:
    """Show what I should do first; operations begin with the flow."""
    if not visitor.may(Right.READ):
        return RedirectResponse("/flow", 303)
    since, place = _yesterday(desk), place_by_moment(after, before)

    def work(conn: Connection) -> dict[str, Any]:
        to_decide, blind = reviews_waiting(conn, visitor.id)
        return {
            "page": open_cases_page(conn, visitor.id, place=place),
            "total": count_open(conn, visitor.id),
            "to_decide": to_decide,
            "blind": blind,
            "returns": came_back(conn, visitor.id, since),
        }

    values = await desk.database.read(work)
    values["pager"] = pager(values["page"], breaks_where, "/")
    return desk.pages.page("my_day.html", visitor.language, {"visitor": visitor, "here": "my_day", **values})


def _yesterday(desk: Desk) -> datetime:
    """Return the beginning of yesterday in the company's zone."""
    calendar = desk.policy.calendar
    day = calendar.today(desk.clock.now()) - timedelta(days=1)
    return datetime.combine(day, time(), calendar.zone)
