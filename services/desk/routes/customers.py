"""The page of one customer: everything that was said, whatever the way."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.storage.desk_customer import customer_history, load_customer, said_where
from itaca.storage.desk_lists import cases_of
from services.desk.door import DeskHere, NotFoundError, Reader
from services.desk.places import pager, place_by_moment

router = APIRouter()


@router.get("/customers/{customer_id}")
async def customer(desk: DeskHere, visitor: Reader, customer_id: str, after: str = "", before: str = "") -> Response:
    """Show who it is, their cases, and the history, the newest first."""
    place = place_by_moment(after, before)

    def work(conn: Connection) -> dict[str, Any] | None:
        found = load_customer(conn, customer_id[:36])
        if found is None:
            return None
        history = customer_history(conn, found.id, place)
        return {"customer": found, "cases": cases_of(conn, found.id), "history": history}

    values = await desk.database.read(work)
    if values is None:
        raise NotFoundError("there is no such customer")
    values["pager"] = pager(values["history"], said_where, f"/customers/{values['customer'].id}")
    return desk.pages.page("customer.html", visitor.language, {"visitor": visitor, "here": "cases", **values})
