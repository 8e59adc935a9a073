"""The page *My day*: what breaks first, what waits for a decision, what came back."""

from datetime import datetime, time, timedelta

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right
from itaca.storage.desk_day import came_back, my_cases, reviews_waiting
from services.desk.desk import Desk
from services.desk.door import DeskHere, SignedIn

router = APIRouter()


@router.get("/", name="my_day")
async def my_day(desk: DeskHere, visitor: SignedIn) -> Response:
    """Show what I should do first; operations begin with the flow."""
    if not visitor.may(Right.READ):
        return RedirectResponse("/flow", 303)
    since = _yesterday(desk)

    def work(conn: Connection) -> dict[str, object]:
        to_decide, blind = reviews_waiting(conn, visitor.id)
        return {
            "cases": my_cases(conn, visitor.id),
            "to_decide": to_decide,
            "blind": blind,
            "returns": came_back(conn, visitor.id, since),
        }

    values = await desk.database.read(work)
    return desk.pages.page("my_day.html", visitor.language, {"visitor": visitor, "here": "my_day", **values})


def _yesterday(desk: Desk) -> datetime:
    """Return the beginning of yesterday in the company's zone."""
    calendar = desk.policy.calendar
    day = calendar.today(desk.clock.now()) - timedelta(days=1)
    return datetime.combine(day, time(), calendar.zone)
