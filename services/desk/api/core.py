"""What every operation is made from: the ledger, the clock, the rules; writes happen once for each key."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.policy import Policy
from itaca.clock import Clock
from itaca.observability.metrics import Metrics
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.idempotency import Answer, answer_once, fingerprint_of
from itaca.storage.idempotency import Request as KeyedRequest
from itaca.storage.tokens import Token
from services.desk.api.etags import answer
from services.desk.api.problems import RefusedError

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Reference = Annotated[str, Field(pattern=r"^[Ii][Tt]-[0-9A-Za-z]{5}-[0-9A-Za-z]{5}$", examples=["IT-7K3F2-9Q0XZ"])]
Evidence = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="The same key with the same request within two days is done once and answered alike.",
    ),
]


class Body(BaseModel):
    """Root of what is sent and answered: nothing unknown is let in."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def shown(cls, found: object, **more: Any) -> dict[str, Any]:
        """Return what was found as it is answered: its attributes of these names, and ``more``."""
        own = {name: getattr(found, name) for name in cls.model_fields if name not in more}
        return cls(**own, **more).model_dump(mode="json")


T = TypeVar("T")


def known(found: T | None, otherwise: str) -> T:
    """Return what was found.

    Raises:
        RefusedError: 404, nothing was; ``otherwise`` says of what.
    """
    if found is None:
        raise RefusedError(404, otherwise)
    return found


@dataclass(frozen=True)
class Api:
    """One API; operations reach everything through it."""

    database: Database
    clock: Clock
    rng: random.Random
    policy: Policy
    metrics: Metrics
    shared: SharedSettings


def api_of(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


async def write_once(
    request: Request, token: Token, key: str | None, work: Callable[[Connection, datetime], tuple[int, Body]]
) -> Response:
    """Run the work in one transaction and answer with what it returns; once for each Idempotency-Key.

    Raises:
        KeyReusedError: the key came with another request.
        PermanentError: a rule of the ledger forbids it.
        TransientError: the ledger is away; the work may have been done, and the key makes it safe to repeat.
    """
    api = api_of(request)
    now = api.clock.now()
    keyed = None
    if key is not None:
        asked = f"{request.url.path}?{request.url.query}"
        keyed = KeyedRequest(token.id, key, fingerprint_of(request.method, asked, await request.body()))

    def once(conn: Connection) -> Answer:
        status, body = work(conn, now)
        return Answer(status, body.model_dump(mode="json"))

    done = await api.database.write(lambda conn: answer_once(conn, keyed, now, once))
    headers = {"idempotency-replayed": "true"} if done.is_repeated else {}
    return answer(request, dict(done.body), done.status, headers)
