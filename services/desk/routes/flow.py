"""The page *Flow*: where mail is, what the day's mail became, whether the books balance."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, time

from fastapi import APIRouter
from starlette.responses import Response

from itaca.broker.topology import TOPOLOGY
from itaca.errors import ItacaError
from itaca.storage.desk_flow import load_flow
from services.desk.desk import Desk
from services.desk.door import DeskHere, FlowReader
from services.desk.plots import columns

router = APIRouter()
_BROKER_WAIT_S = 2.0


@dataclass(frozen=True)
class QueueLine:
    """One queue: who reads it, and how many messages wait, wait again, or are given up."""

    stage: str
    ready: int
    retrying: int
    dead: int


@router.get("/flow")
async def flow(desk: DeskHere, visitor: FlowReader) -> Response:
    """Show the flow as it is now."""
    now, zone = desk.clock.now(), desk.policy.calendar.zone
    midnight = datetime.combine(desk.policy.calendar.today(now), time(), zone)
    found = await desk.database.read(lambda conn: load_flow(conn, now, midnight))
    values = {
        "visitor": visitor,
        "here": "flow",
        "flow": found,
        "problems": found.books.problems(),
        "queues": await _queues(desk),
        "plot": columns(found.by_hour),
    }
    return desk.pages.page("flow.html", visitor.language, values)


async def _queues(desk: Desk) -> list[QueueLine] | None:
    """Return the queues; None when the broker does not answer, which keeps nobody from their work."""
    lines: list[QueueLine] = []
    try:
        async with asyncio.timeout(_BROKER_WAIT_S):
            for queue in TOPOLOGY:
                depth = await desk.broker.depth(queue.name)
                lines.append(QueueLine(queue.name.split(".")[0], depth.ready, depth.retrying, depth.dead))
    except (ItacaError, TimeoutError):
        return None
    return lines
