"""What people do on the page of a case: each form one act, refused when the case changed meanwhile."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.contracts.ids import MailId, PersonId
from itaca.contracts.intents import CaseOutcome, Intent, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage.case_acts import Act
from services.desk.case_page import Attempt, act_on, end_of_day, show_case
from services.desk.desk import Desk
from services.desk.door import DeskHere, NotFoundError, Visitor, Worker
from services.desk.problems import problem_words
from services.desk.templates import template_ids

router = APIRouter(prefix="/cases/{reference}")
Text = Annotated[str, Form()]
Version = Annotated[int, Form()]
Words = Annotated[list[str], Form()]


@router.post("/take")
async def take_on(request: Request, desk: DeskHere, visitor: Worker, reference: str, version: Version) -> Response:
    """Make the case mine."""
    return await _do(request, desk, visitor, reference, version, "taken", case_acts.take)


@router.post("/hand-over")
async def hand_over(
    request: Request, desk: DeskHere, visitor: Worker, reference: str, version: Version, to: Text, says: Text = ""
) -> Response:
    """Give the case to a colleague."""

    def work(conn: Connection, act: Act) -> None:
        case_acts.hand_over(conn, act, PersonId(to), says)

    return await _do(request, desk, visitor, reference, version, "handed_over", work)


@router.post("/answer")
async def answer(
    request: Request,
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    version: Version,
    mail: Text,
    recipient: Text = "",
    subject: Text = "",
    text: Text = "",
    then: Text = "",
    outcome: Text = "",
    evidence: Text = "",
    day: Text = "",
    asked: Words = [],  # noqa: B006 - FastAPI copies it
    take: Text = "",
    template: Text = "",
) -> Response:
    """Send an answer, which closes the case or says by when somebody comes back."""
    ends_as = _outcome(outcome) if then == "close" else None
    said = Answer(
        subject=" ".join(subject.split()),
        text=text.replace("\r\n", "\n"),
        recipient=recipient,
        ends_as=ends_as,
        evidence=evidence,
        back_by=end_of_day(desk, day) if then == "later" else None,
        template=template if template in template_ids() else "",
    )

    def work(conn: Connection, act: Act) -> None:
        mine = case_acts.taken(conn, act) if take else act
        case_acts.answer(conn, mine, MailId(mail), said, visitor.account.name, asked)

    return await _do(request, desk, visitor, reference, version, "answered", work)


@router.post("/promise")
async def promise(
    request: Request, desk: DeskHere, visitor: Worker, reference: str, version: Version, day: Text, says: Text = ""
) -> Response:
    """Promise something by a date."""

    def work(conn: Connection, act: Act) -> None:
        due_at = end_of_day(desk, day)
        if due_at is None:
            raise PermanentError("a promise says what will be done, by a date to come")
        case_acts.promise(conn, act, NewPromise(PromiseKind.ANSWER, due_at), says)

    return await _do(request, desk, visitor, reference, version, "promised", work)


@router.post("/keep")
async def keep(
    request: Request,
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    version: Version,
    promise_id: Text,
    evidence: Text = "",
    day: Text = "",
) -> Response:
    """Keep a promise with its evidence."""

    def work(conn: Connection, act: Act) -> None:
        due_at = end_of_day(desk, day)
        then = None if due_at is None else NewPromise(PromiseKind.ANSWER, due_at)
        case_acts.keep_promise(conn, act, promise_id, evidence, then)

    return await _do(request, desk, visitor, reference, version, "kept", work)


@router.post("/label")
async def label(
    request: Request,
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    version: Version,
    mail: Text,
    intent: Words = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Say what a mail is; nothing ticked means none of them."""
    intents = [Intent(name) for name in intent if name in set(Intent)]

    def work(conn: Connection, act: Act) -> None:
        case_acts.label(conn, act, MailId(mail), intents, visitor.account.email)

    return await _do(request, desk, visitor, reference, version, "labelled", work)


@router.post("/close")
async def close(
    request: Request,
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    version: Version,
    outcome: Text,
    evidence: Text = "",
    asked: Words = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Close the case with its outcome and what proves it."""

    def work(conn: Connection, act: Act) -> None:
        case_acts.close(conn, act, _outcome(outcome), evidence, asked)

    return await _do(request, desk, visitor, reference, version, "closed", work)


async def _do(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    reference: str,
    version: int,
    done: str,
    work: Callable[[Connection, Act], None],
) -> Response:
    """Do it, and show the case; refused, show the case with what was typed and what changed."""
    head, act = await act_on(desk, visitor, reference, version)
    try:
        await desk.database.write(lambda conn: work(conn, act))
    except PermanentError as error:
        typed = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        problem = problem_words(error, desk.pages.words(visitor.language))
        return await show_case(desk, visitor, reference, Attempt(typed, problem, version))
    return RedirectResponse(f"/cases/{head.reference}?done={done}", 303)


def _outcome(name: str) -> CaseOutcome:
    if name not in set(CaseOutcome):
        raise NotFoundError("there is no such outcome")
    return CaseOutcome(name)
