"""A call, a visit, a fax, a chat: recorded on the case in a few keystrokes, so that it counts as a mail does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.interactions import Channel, Interaction, RecordedFile
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from itaca.storage.contacts import record_outgoing
from itaca.storage.desk_case import CaseHead, case_head
from itaca.storage.interactions import RecordedBeforeError, record_interaction
from services.desk.desk import Desk
from services.desk.door import DeskHere, NotFoundError, Visitor, Worker
from services.desk.problems import problem_words

router = APIRouter(prefix="/cases/{reference}/contact")
Text = Annotated[str, Form()]
MOST_FILES = 10
MOST_BYTES = 20_000_000
"""All files of a contact together."""
_MOST_CHARS = 20_000
_IN, _OUT = "in", "out"


@dataclass(frozen=True)
class Draft:
    """What somebody typed, or what the form begins with; ``at`` is local, to the minute."""

    at: str
    channel: str = Channel.CALL.value
    direction: str = _IN
    says: str = ""
    intents: tuple[str, ...] = ()


@router.get("")
async def form(desk: DeskHere, visitor: Worker, reference: str) -> Response:
    """Show the form: an incoming call of this minute, the cursor where its words go."""
    return _show(desk, visitor, await _case(desk, reference), Draft(_local(desk)))


@router.post("")
async def record(
    request: Request,
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    channel: Text = "",
    direction: Text = "",
    at: Text = "",
    says: Text = "",
    intent: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    files: list[UploadFile] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Keep it, with its files; a customer's contact counts, ours is kept beside."""
    head = await _case(desk, reference)
    draft = Draft(at, channel, direction, says[:_MOST_CHARS].replace("\r\n", "\n"), tuple(intent))
    kept = await _read(files)
    problem = "" if kept is not None else "files"
    moment = _moment(desk, at)
    if not draft.says.strip() or channel not in set(Channel) or direction not in (_IN, _OUT):
        problem = "words"
    elif moment is None:
        problem = "moment"
    if problem or moment is None or kept is None:
        return _show(desk, visitor, head, draft, problem)
    return await _keep(desk, visitor, head, draft, _contact(desk, visitor, head, draft, moment, kept))


async def _keep(desk: Desk, visitor: Visitor, head: CaseHead, draft: Draft, contact: Interaction) -> Response:
    now = desk.clock.now()

    def work(conn: Connection) -> None:
        if draft.direction == _OUT:
            record_outgoing(conn, contact, now, desk.rng, visitor.id)
        else:
            record_interaction(conn, contact, now, desk.policy, desk.rng, visitor.id)

    try:
        await desk.database.write(work)
    except RecordedBeforeError:
        return _show(desk, visitor, head, draft, "known")
    except PermanentError as error:
        says = problem_words(error, desk.pages.words(visitor.language))
        return _show(desk, visitor, head, draft, "rule", says)
    return RedirectResponse(f"/cases/{head.reference}?done=contact", 303)


def _contact(
    desk: Desk, visitor: Visitor, head: CaseHead, draft: Draft, at: datetime, files: tuple[RecordedFile, ...]
) -> Interaction:
    channel = Channel(draft.channel)
    return Interaction(
        channel,
        at,
        draft.says.strip(),
        frozenset(Intent(one) for one in draft.intents if one in set(Intent)),
        reference=head.reference,
        name=visitor.account.name if draft.direction == _OUT else head.customer,
        language=head.language,
        subject=desk.pages.words(visitor.language).name(channel),
        files=files,
        acknowledges=False,
    )


def _show(desk: Desk, visitor: Visitor, head: CaseHead, draft: Draft, problem: str = "", says: str = "") -> Response:
    values: dict[str, Any] = {"visitor": visitor, "here": "cases", "case": head, "draft": draft, "problem": problem}
    values |= {"says": says, "channels": list(Channel), "intents": list(Intent), "latest": _local(desk)}
    return desk.pages.page("contact.html", visitor.language, values, 409 if problem else 200)


async def _case(desk: Desk, reference: str) -> CaseHead:
    head = await desk.database.read(lambda conn: case_head(conn, reference))
    if head is None:
        raise NotFoundError("no case has this reference")
    return head


async def _read(files: list[UploadFile]) -> tuple[RecordedFile, ...] | None:
    """Return the files; None when they are too many or too large."""
    given = [one for one in files if one.filename]
    if len(given) > MOST_FILES or sum(one.size or 0 for one in given) > MOST_BYTES:
        return None
    unnamed = "application/octet-stream"
    return tuple(
        [RecordedFile(one.filename or "file", one.content_type or unnamed, await one.read()) for one in given]
    )


def _local(desk: Desk) -> str:
    """Return this minute as a form holds it, in the company's zone."""
    return desk.clock.now().astimezone(desk.policy.calendar.zone).strftime("%Y-%m-%dT%H:%M")


def _moment(desk: Desk, text: str) -> datetime | None:
    """Return when it was; None when that is no moment, or still to come."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=desk.policy.calendar.zone)
    return at if at <= desk.clock.now() else None
