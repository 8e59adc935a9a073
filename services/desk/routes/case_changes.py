"""What is behind *More* on the page of a case: merge, split, put aside, what the law says; and taking back."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.splitting import Splitting
from itaca.contracts.ids import CaseReference, MailId
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage import case_clocks
from itaca.storage.case_acts import Act
from itaca.storage.case_merging import Merger, merge
from itaca.storage.case_splitting import split
from itaca.storage.case_undoing import take_back
from services.desk.case_doing import Here
from services.desk.case_page import Attempt, act_on, end_of_day, show_case
from services.desk.door import NotFoundError

router = APIRouter(prefix="/cases/{reference}")
Text = Annotated[str, Form()]
NO_DAY = "a case is parked until a later moment"


@router.post("/merge")
async def merge_into(here: Here, into: Text = "", other: Text = "", says: Text = "", same: Text = "") -> Response:
    """Let the case go on in another one, and show that one."""
    merger = Merger(other if other.strip() else into, says, bool(same))

    def work(conn: Connection, act: Act) -> CaseReference:
        return merge(conn, act, merger, here.desk.policy)

    return await here.do("merged", work)


@router.post("/split")
async def split_off(
    here: Here,
    kind: Text = "",
    moves: Text = "",
    number: Text = "",
    mails: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Open a case of its own for some of the mails."""
    if kind not in set(CaseKind):
        raise NotFoundError("there is no such kind of case")
    splitting = Splitting(tuple(MailId(one) for one in mails), CaseKind(kind), bool(moves), number)

    def work(conn: Connection, act: Act) -> None:
        split(conn, act, splitting, here.desk.policy)

    return await here.do("split", work)


@router.post("/park")
async def park(here: Here, until: Text = "", reason: Text = "", note: Text = "") -> Response:
    """Put the case aside until a day: our clock stands still, the law's runs on."""

    def work(conn: Connection, act: Act) -> None:
        moment = end_of_day(here.desk, until)
        if moment is None:
            raise PermanentError(NO_DAY)
        case_clocks.put_aside(conn, act, moment, reason, note, here.desk.policy)

    return await here.do("parked", work, "parked")


@router.post("/resume")
async def resume(here: Here) -> Response:
    """Take the case up again before its day."""

    def work(conn: Connection, act: Act) -> None:
        case_clocks.take_up(conn, act, here.desk.policy)

    return await here.do("resumed", work, "resumed")


@router.post("/law")
async def law(here: Here, matter: Text = "") -> Response:
    """Say what the case is about in law."""

    def work(conn: Connection, act: Act) -> None:
        case_clocks.say_matter(conn, act, matter, here.desk.policy.law)

    return await here.do("legal", work, "legal_matter")


@router.post("/undo")
async def undo(here: Here) -> Response:
    """Take the last act back; of an answer, the words come back into the form."""
    head, act = await act_on(here.desk, here.visitor, here.reference, here.version)
    try:
        back = await here.desk.database.write(lambda conn: take_back(conn, act))
    except PermanentError as error:
        return await here.refuse(error)
    if back.letter is None:
        return RedirectResponse(f"/cases/{head.reference}?done=undone", 303)
    draft = {name: str(back.letter.get(name) or "") for name in ("text", "subject", "template", "recipient", "mail")}
    attempt = Attempt(draft, had_files=back.had_files)
    return await show_case(here.desk, here.visitor, head.reference, attempt, "answer_undone")
