"""Interactions: a call, a visit, a fax, a chat or a post, recorded so that it counts as a mail does."""

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.interactions import Channel, Interaction, RecordedFile
from itaca.contracts.intents import Intent, MailOutcome
from itaca.storage.interactions import record_interaction
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import needs
from services.desk.api.core import PRINTABLE, Body, IdempotencyKey, api_of, write_once

router = APIRouter(tags=["interactions"])
May = Annotated[Token, Depends(needs(Scope.INTERACTIONS_WRITE))]
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_TYPE = r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,60}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,60}$"
Short = Annotated[str, Field(max_length=128, pattern=PRINTABLE)]


class FileBody(Body):
    """A file that the customer gave; kept as it came, by its SHA-256."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
    content_type: Annotated[str, Field(max_length=127, pattern=_TYPE)] = "application/octet-stream"
    content: Annotated[str, Field(max_length=14_000_000, pattern=_BASE64, description="Its bytes, in base64.")]


class NewInteraction(Body):
    """A contact by another way than mail."""

    channel: Channel
    at: AwareDatetime = Field(description="When it was.")
    summary: Annotated[
        str, Field(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$", description="What the customer said.")
    ]
    intents: Annotated[
        list[Intent],
        Field(
            max_length=len(Intent), description="What it wants; none: what the case named by `reference` is about."
        ),
    ] = Field(default=[])
    email: Annotated[str, Field(max_length=320, pattern=PRINTABLE)] = ""
    customer: Annotated[Short, Field(description="Customer code.")] = ""
    reference: Annotated[str, Field(pattern=r"^([Ii][Tt]-[0-9A-Za-z]{5}-[0-9A-Za-z]{5})?$")] = ""
    name: Short = ""
    language: Annotated[str, Field(pattern=r"^([a-z]{2})?$")] = ""
    subject: Annotated[str, Field(max_length=200, pattern=PRINTABLE)] = ""
    files: Annotated[list[FileBody], Field(max_length=10)] = Field(default=[])
    acknowledge: bool = Field(True, description="Send the receipt with its reference to `email`.")


class RecordedBody(Body):
    """What became of it: kept under this mail id, in these cases."""

    mail_id: str
    outcome: MailOutcome
    references: list[str]


@router.post("/interactions", response_model=RecordedBody, status_code=201, summary="Record a contact")
async def record(request: Request, token: May, new: NewInteraction, key: IdempotencyKey = None) -> Response:
    """It counts as a contact, raises severity and is measured by the same rules as a mail."""
    api = api_of(request)
    contact = Interaction(
        new.channel,
        new.at,
        new.summary,
        frozenset(new.intents),
        new.email,
        new.customer,
        new.reference,
        new.name,
        new.language,
        new.subject,
        tuple(RecordedFile(one.name, one.content_type, base64.b64decode(one.content)) for one in new.files),
        new.acknowledge,
    )

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        done = record_interaction(conn, contact, now, api.policy, api.rng, token.actor)
        return 201, RecordedBody(mail_id=done.mail_id, outcome=done.outcome, references=list(done.references))

    return await write_once(request, token, key, work)
