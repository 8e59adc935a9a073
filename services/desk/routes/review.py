"""The page *Review*: one mail after the other, decided by keys; blind for the standing audit."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right
from itaca.contracts.ids import CaseReference, MailId
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from itaca.mail.written import written_text
from itaca.storage.audit_answers import answer_sample
from itaca.storage.audit_samples import next_sample
from itaca.storage.desk_review import decide_review, left_to_check, left_to_decide, next_to_decide
from services.desk.case_page import KEYS, act_on
from services.desk.desk import Desk
from services.desk.door import DeskHere, Visitor, Worker
from services.desk.highlights import highlight

router = APIRouter()
Several = Annotated[list[str], Form()]
Text = Annotated[str, Form()]


@router.get("/review")
async def review(
    desk: DeskHere, visitor: Worker, blind: bool = False, later: str = "", done: str = "", case: str = ""
) -> Response:
    """Show the next mail that waits for a decision, or for the blind check."""
    anybodys = visitor.may(Right.ASSIGN)

    def counts(conn: Connection) -> dict[str, object]:
        return {"to_decide": left_to_decide(conn, visitor.id, anybodys), "to_check": left_to_check(conn)}

    values = await desk.database.read(counts)
    values |= {"visitor": visitor, "here": "review", "blind": blind, "done": done, "opened": case, "keys": KEYS}
    values |= await (_blind(desk, visitor) if blind else _seeing(desk, visitor, anybodys, later))
    values["is_only_one"] = bool(later) and values.get("reference") == later
    return desk.pages.page("review.html", visitor.language, values)


@router.post("/review/{reference}")
async def decide(
    desk: DeskHere,
    visitor: Worker,
    reference: str,
    version: Annotated[int, Form()],
    intent: Several = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Do what the person decided, and go on to the next mail."""
    _, act = await act_on(desk, visitor, reference, version)
    intents = _intents(intent)

    def work(conn: Connection) -> list[CaseReference]:
        return decide_review(conn, act, intents, visitor.account.email, desk.policy)

    try:
        opened = await desk.database.write(work)
    except PermanentError:
        return RedirectResponse("/review?done=changed", 303)
    return RedirectResponse(f"/review?done={'opened' if opened else 'nothing'}&case={','.join(opened)}", 303)


@router.post("/review/blind/{mail_id}")
async def check(
    desk: DeskHere,
    visitor: Worker,
    mail_id: str,
    intent: Several = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Record the answer to a blind check, and go on to the next."""
    now, intents = desk.clock.now(), _intents(intent)

    def work(conn: Connection) -> CaseReference | None:
        return answer_sample(conn, MailId(mail_id), intents, visitor.account.email, now, desk.policy, desk.rng)

    try:
        found = await desk.database.write(work)
    except PermanentError:
        return RedirectResponse("/review?blind=true&done=changed", 303)
    return RedirectResponse(f"/review?blind=true&done={'opened' if found else 'nothing'}&case={found or ''}", 303)


async def _blind(desk: Desk, visitor: Visitor) -> dict[str, object]:
    """Return the next mail of the audit, without anything that a machine said of it."""
    sample = await desk.database.read(lambda conn: next_sample(conn, visitor.account.email))
    if sample is None:
        return {"mail": None}
    written = written_text(sample.text)
    return {
        "mail": sample.text,
        "post": f"/review/blind/{sample.mail_id}",
        "mail_id": "",
        "version": 0,
        "reference": "",
        "received_at": sample.drawn_at,
        "subject": highlight(written.subject, "subject", None),
        "new": highlight(written.new_text, "new", None),
        "quoted": highlight(written.quoted_text, "quoted", None),
        "why": (),
        "suggested": set(),
        "due_at": None,
    }


async def _seeing(desk: Desk, visitor: Visitor, anybodys: bool, later: str) -> dict[str, object]:
    found = await desk.database.read(lambda conn: next_to_decide(conn, visitor.id, anybodys, later[:16]))
    if found is None:
        return {"mail": None}
    written = written_text(found.text)
    scores = found.judgement.scores if found.judgement else {}
    return {
        "mail": found.text,
        "post": f"/review/{found.reference}",
        "mail_id": found.mail_id,
        "version": found.version,
        "reference": found.reference,
        "received_at": found.received_at,
        "subject": highlight(written.subject, "subject", found.judgement),
        "new": highlight(written.new_text, "new", found.judgement),
        "quoted": highlight(written.quoted_text, "quoted", found.judgement),
        "why": found.why,
        "suggested": {intent for intent, score in scores.items() if score > 0.5},
        "due_at": found.due_at,
    }


def _intents(names: list[str]) -> list[Intent]:
    """Return what was ticked; the button *None of these* sends an empty name and overrules the ticks."""
    if "" in names:
        return []
    return [Intent(name) for name in names if name in set(Intent)]
