"""What people do on the page of a case: each form one act, refused when the case changed meanwhile."""

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.actions import NewPromise
from itaca.cases.closing import Answer
from itaca.contracts.ids import MailId, PersonId
from itaca.contracts.intents import CaseOutcome, Intent, PromiseKind
from itaca.errors import PermanentError
from itaca.storage import case_acts
from itaca.storage.case_acts import Act
from services.desk.answer_files import answer_files
from services.desk.case_doing import Here
from services.desk.case_page import end_of_day
from services.desk.door import NotFoundError
from services.desk.templates import template_ids

router = APIRouter(prefix="/cases/{reference}")
Text = Annotated[str, Form()]
Words = Annotated[list[str], Form()]


@router.post("/take")
async def take_on(here: Here) -> Response:
    """Make the case mine."""
    return await here.do("taken", case_acts.take, "taken")


@router.post("/hand-over")
async def hand_over(here: Here, to: Text, says: Text = "") -> Response:
    """Give the case to a colleague."""

    def work(conn: Connection, act: Act) -> None:
        case_acts.hand_over(conn, act, PersonId(to), says)

    return await here.do("handed_over", work, "handed_over")


@router.post("/answer")
async def answer(
    here: Here,
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
    files: list[UploadFile] = [],  # noqa: B006 - FastAPI copies it
    of_case: Words = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Send an answer, which closes the case or says by when somebody comes back."""
    ends_as = _outcome(outcome) if then == "close" else None
    try:
        carried = await answer_files(here.desk, await here.case_id(), files, of_case)
    except PermanentError as error:
        return await here.refuse(error)
    said = Answer(
        subject=" ".join(subject.split()),
        text=text.replace("\r\n", "\n"),
        recipient=recipient,
        ends_as=ends_as,
        evidence=evidence,
        back_by=end_of_day(here.desk, day) if then == "later" else None,
        template=template if template in template_ids() else "",
        files=carried,
    )

    def work(conn: Connection, act: Act) -> None:
        mine = case_acts.taken(conn, act) if take else act
        case_acts.answer(conn, mine, MailId(mail), said, here.visitor.account.name, asked)

    return await here.do("answered", work, "replied")


@router.post("/promise")
async def promise(here: Here, day: Text, says: Text = "") -> Response:
    """Promise something by a date."""

    def work(conn: Connection, act: Act) -> None:
        due_at = end_of_day(here.desk, day)
        if due_at is None:
            raise PermanentError("a promise says what will be done, by a date to come")
        case_acts.promise(conn, act, NewPromise(PromiseKind.ANSWER, due_at), says)

    return await here.do("promised", work, "promised")


@router.post("/keep")
async def keep(
    here: Here,
    promise_id: Text,
    evidence: Text = "",
    day: Text = "",
) -> Response:
    """Keep a promise with its evidence."""

    def work(conn: Connection, act: Act) -> None:
        due_at = end_of_day(here.desk, day)
        then = None if due_at is None else NewPromise(PromiseKind.ANSWER, due_at)
        case_acts.keep_promise(conn, act, promise_id, evidence, then)

    return await here.do("kept", work, "promise_kept")


@router.post("/label")
async def label(
    here: Here,
    mail: Text,
    intent: Words = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Say what a mail is; nothing ticked means none of them."""
    intents = [Intent(name) for name in intent if name in set(Intent)]

    def work(conn: Connection, act: Act) -> None:
        case_acts.label(conn, act, MailId(mail), intents, here.visitor.account.email)

    return await here.do("labelled", work, "labelled")


@router.post("/close")
async def close(
    here: Here,
    outcome: Text,
    evidence: Text = "",
    asked: Words = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Close the case with its outcome and what proves it."""

    def work(conn: Connection, act: Act) -> None:
        case_acts.close(conn, act, _outcome(outcome), evidence, asked)

    return await here.do("closed", work, "closed")


def _outcome(name: str) -> CaseOutcome:
    if name not in set(CaseOutcome):
        raise NotFoundError("there is no such outcome")
    return CaseOutcome(name)
