"""The page of the chain of escalation: who hears of a broken promise next, up to the top."""

from fastapi import APIRouter
from starlette.responses import Response

from itaca.cases.owners import choose_owner
from itaca.cases.staff import chart
from itaca.contracts.intents import CaseKind
from itaca.storage.people import load_roster
from services.desk.door import DeskHere, SignedIn

router = APIRouter()
KINDS = (CaseKind.COMPLAINT, CaseKind.CANCELLATION, CaseKind.REVIEW)
"""Orders begin with the order system; a person has them only when it stays silent."""


@router.get("/chain")
async def chain(desk: DeskHere, visitor: SignedIn) -> Response:
    """Show everybody under whom they answer to, and who gets the next case."""
    today = desk.policy.calendar.today(desk.clock.now())

    roster = await desk.database.read(lambda conn: load_roster(conn, today))
    values = {
        "visitor": visitor,
        "here": "people",
        "places": chart(roster),
        "leads": roster.leads(),
        "next": [(kind, choose_owner(roster, kind, "")) for kind in KINDS],
        "teams": {team.id: team.name for team in roster.teams.values()},
    }
    return desk.pages.page("chain.html", visitor.language, values)
