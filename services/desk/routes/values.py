"""The page *Value*: which answers were worth nothing, what that cost, and whether removing a cause helped."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right
from itaca.cases.value import Bar, Cause
from itaca.storage.desk_values import names_of, value_rate
from itaca.storage.people import list_teams
from itaca.storage.removals import begin_removal, finish_removal, list_removals
from itaca.storage.values import By, zero_values
from services.desk.desk import Desk
from services.desk.door import DeskHere, FlowReader, Visitor, allowed
from services.desk.pareto import pareto_plot
from services.desk.templates import templates_for
from services.desk.words import Words

router = APIRouter(prefix="/value")
Text = Annotated[str, Form()]
Lead = Annotated[Visitor, Depends(allowed(Right.ASSIGN))]
PERIODS = (28, 90, 365)
"""Days."""
_MOST_CHARS = 500


@router.get("")
async def value(
    desk: DeskHere, visitor: FlowReader, by: str = "", days: int = PERIODS[1], done: str = ""
) -> Response:
    """Show the ranking of one period, and the removals."""
    counted = By(by) if by in set(By) else By.CAUSE
    period = days if days in PERIODS else PERIODS[1]
    return await _show(desk, visitor, counted, period, done=done)


@router.post("/removals")
async def begin(
    desk: DeskHere, visitor: Lead, cause: Text, says: Text = "", template: Text = "", team: Text = ""
) -> Response:
    """Note what will be done against a cause; the figure until now is the one before."""
    if cause not in set(Cause) or not says.strip():
        return await _show(desk, visitor, By.CAUSE, PERIODS[1], problem="says")
    now, rng, words = desk.clock.now(), desk.rng, says.strip()[:_MOST_CHARS]

    def work(conn: Connection) -> None:
        known = {one.id for one in list_teams(conn)}
        team_id = team if team in known else None
        begin_removal(conn, Cause(cause), words, now, rng, visitor.id, template=template[:64], team_id=team_id)

    await desk.database.write(work)
    return RedirectResponse("/value?done=begun", 303)


@router.post("/removals/{removal_id}/done")
async def finish(desk: DeskHere, visitor: Lead, removal_id: str) -> Response:
    """Note that it is done; answers from now on are the figure after."""
    now = desk.clock.now()
    await desk.database.write(lambda conn: finish_removal(conn, removal_id[:36], now))
    return RedirectResponse("/value?done=finished", 303)


async def _show(desk: Desk, visitor: Visitor, by: By, days: int, problem: str = "", done: str = "") -> Response:
    now = desk.clock.now()
    since = now - timedelta(days=days)

    def work(conn: Connection) -> dict[str, Any]:
        removals = list_removals(conn, now)
        return {
            "rate": value_rate(conn, since, now),
            "bars": zero_values(conn, by, since, now),
            "removals": removals,
            "people": names_of(conn, {one.by for one in removals}),
            "teams": {one.id: one.name for one in list_teams(conn)},
        }

    values = await desk.database.read(work)
    words = desk.pages.words(visitor.language)
    blank = {"customer": "", "person": "", "organisation": "", "reference": ""}
    templates = {one.id: one.title for one in templates_for("", visitor.language, blank)}
    named = [_named(bar, by, templates, words) for bar in values["bars"]]
    values |= {"bars": named, "plot": pareto_plot(named), "by": by.value, "days": days, "periods": PERIODS}
    values |= {"causes": list(Cause), "templates": templates, "problem": problem, "done": done}
    values |= {"visitor": visitor, "here": "value"}
    return desk.pages.page("value.html", visitor.language, values, 400 if problem else 200)


def _named(bar: Bar, by: By, templates: dict[str, str], words: Words) -> Bar:
    """Return the bar under the name that people know."""
    if by is By.CAUSE:
        name = words.name(bar.name)
    elif by is By.TEMPLATE:
        name = templates.get(bar.name, bar.name) or words.say("written freely")
    else:
        name = bar.name or words.say("no team")
    return Bar(name, bar.answers, bar.contacts, bar.cumulative)
