"""The page of one customer: everything that was said, whatever the way."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.storage.desk_customer import Contact, customer_history, load_customer
from itaca.storage.desk_day import cases_of
from itaca.storage.moments import from_micros, to_micros
from services.desk.door import DeskHere, NotFoundError, Reader

router = APIRouter()
PAGE = 40


@router.get("/customers/{customer_id}")
async def customer(desk: DeskHere, visitor: Reader, customer_id: str, before: str = "") -> Response:
    """Show who it is, their cases, and the history, the newest first."""
    place = _place(before)

    def work(conn: Connection) -> dict[str, Any] | None:
        found = load_customer(conn, customer_id[:36])
        if found is None:
            return None
        history = customer_history(conn, found.id, place, PAGE + 1)
        return {"customer": found, "cases": cases_of(conn, found.id), "history": history}

    values = await desk.database.read(work)
    if values is None:
        raise NotFoundError("there is no such customer")
    history = values["history"]
    values["history"] = history[:PAGE]
    values |= {"more": _after(history[PAGE - 1]) if len(history) > PAGE else "", "is_first": place is None}
    return desk.pages.page("customer.html", visitor.language, {"visitor": visitor, "here": "cases", **values})


def _place(before: str) -> tuple[datetime, str] | None:
    """Read a place in the history, ``<microseconds>.<id>``; what is none begins with the newest."""
    at, _, last = before.partition(".")
    return (from_micros(int(at)), last[:36]) if at.isascii() and at.isdigit() and len(at) < 18 else None


def _after(line: Contact) -> str:
    return f"{to_micros(line.at)}.{line.id}"
