"""The page *Cancellations*: the register, page by page, all of it or what is in one state."""

from fastapi import APIRouter
from starlette.responses import Response

from itaca.storage.desk_cancellations import Shown, register_page
from services.desk.door import DeskHere, Reader
from services.desk.places import pager, place_by_id

router = APIRouter()


@router.get("/cancellations")
async def cancellations(
    desk: DeskHere, visitor: Reader, show: str = "", after: str = "", before: str = ""
) -> Response:
    """Show cancellations, the newest first."""
    shown = Shown(show) if show in set(Shown) else Shown.ALL
    place = place_by_id(after, before)
    found = await desk.database.read(lambda conn: register_page(conn, shown, place))
    kept = "" if shown is Shown.ALL else shown.value
    values = {"visitor": visitor, "here": "cancellations", "page": found, "shown": shown.value}
    values |= {"pager": pager(found, lambda line: line.register.case_id, "/cancellations", show=kept)}
    values |= {"choices": [one.value for one in Shown]}
    return desk.pages.page("cancellations.html", visitor.language, values)
