"""The page *Cancellations*: the register, page by page, all of it or what is in one state."""

from fastapi import APIRouter
from starlette.responses import Response

from itaca.storage.desk_cancellations import Shown, register_page
from services.desk.door import DeskHere, Reader

router = APIRouter()
PAGE = 50
_LONGEST_ID = 36


@router.get("/cancellations")
async def cancellations(desk: DeskHere, visitor: Reader, show: str = "", before: str = "") -> Response:
    """Show cancellations, the newest first."""
    shown = Shown(show) if show in set(Shown) else Shown.ALL
    place = before[:_LONGEST_ID]
    found = await desk.database.read(lambda conn: register_page(conn, shown, place, PAGE + 1))
    more = found[PAGE - 1].register.case_id if len(found) > PAGE else ""
    values = {"visitor": visitor, "here": "cancellations", "lines": found[:PAGE], "more": more}
    values |= {"shown": shown.value, "choices": [one.value for one in Shown], "is_first": not place}
    return desk.pages.page("cancellations.html", visitor.language, values)
