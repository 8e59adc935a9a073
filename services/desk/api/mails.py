"""Mails: what became of one, without its words; and what people say it is."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.contracts.ids import MailId
from itaca.contracts.intents import Intent, MailOutcome
from itaca.storage.case_pages import references_of_mail
from itaca.storage.labels import set_label
from itaca.storage.mails import load_mails
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import needs
from services.desk.api.core import PRINTABLE, Body, IdempotencyKey, api_of, known, write_once
from services.desk.api.etags import answer

router = APIRouter(tags=["mails"])
MayRead = Annotated[Token, Depends(needs(Scope.MAILS_READ))]
MayLabel = Annotated[Token, Depends(needs(Scope.LABELS_WRITE))]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="Id of a mail.")]


class Place(Body):
    """A case that the mail stands in; ``role``: opened, appended, related or report."""

    reference: str
    role: str


class MailBody(Body):
    """What became of a mail."""

    id: str
    received_at: AwareDatetime
    size_bytes: int
    settled_at: AwareDatetime | None = Field(description="Null while it is in progress.")
    outcome: MailOutcome | None
    settled_by: str | None
    cases: list[Place]


class NewLabel(Body):
    """What somebody says the mail is; no intents mean that it is none of them."""

    intents: Annotated[list[Intent], Field(max_length=len(Intent))]
    by: Annotated[str, Field(min_length=1, max_length=320, pattern=PRINTABLE, description="Address of a person.")]
    blind: bool = Field(False, description="Judged before seeing the machine's answer.")


class LabelBody(Body):
    mail_id: str
    intents: list[Intent]
    by: str
    blind: bool


@router.get("/mails/{mail_id}", response_model=MailBody, summary="Read what became of a mail")
async def get(request: Request, token: MayRead, mail_id: Id) -> Response:
    """By the id that ingest answered the mail server with."""
    return answer(request, await api_of(request).database.read(lambda conn: _load(conn, MailId(mail_id))))


@router.post("/mails/{mail_id}/labels", response_model=LabelBody, status_code=201, summary="Say what a mail is")
async def label(
    request: Request, token: MayLabel, mail_id: Id, new: NewLabel, key: IdempotencyKey = None
) -> Response:
    """Nothing is replaced: the newest word of a person counts."""
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        _load(conn, MailId(mail_id))
        intents = set(new.intents)
        set_label(conn, MailId(mail_id), intents, new.by, new.blind, now, api.rng)
        return 201, LabelBody(mail_id=mail_id, intents=sorted(intents), by=new.by.lower(), blind=new.blind)

    return await write_once(request, token, key, work)


def _load(conn: Connection, mail_id: MailId) -> dict[str, Any]:
    row = known(load_mails(conn, [mail_id]).get(mail_id), "no mail has this id")
    places = [Place(reference=reference, role=role) for reference, role in references_of_mail(conn, mail_id)]
    return MailBody.shown(row, cases=places)
