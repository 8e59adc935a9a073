"""A request that comes twice under one key is answered twice and done once."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from itaca.errors import PermanentError
from itaca.storage.moments import to_micros
from itaca.storage.tables import idempotent_answers

KEPT = timedelta(days=2)
"""A client that has not repeated its request by then never will."""


class KeyReusedError(PermanentError):
    """Another request came under this key before."""


@dataclass(frozen=True)
class Request:
    """One request with its key. ``fingerprint`` is of everything that makes it this request."""

    token_id: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """What the request was answered; ``is_repeated`` when nothing was done this time."""

    status: int
    body: Mapping[str, Any]
    is_repeated: bool = False


def fingerprint_of(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def answer_once(
    conn: Connection, request: Request | None, now: datetime, work: Callable[[Connection], Answer]
) -> Answer:
    """Do the work and keep its answer in the same transaction, or return the answer that was kept.

    Args:
        request: None for one without a key, which is done every time.

    Raises:
        KeyReusedError: the key came with another request before.
    """
    if request is None:
        return work(conn)
    table = idempotent_answers
    known = conn.execute(
        select(table).where(table.c.token_id == request.token_id, table.c.key == request.key)
    ).one_or_none()
    if known is not None:
        if known.request_hash != request.fingerprint:
            raise KeyReusedError("another request came under this Idempotency-Key before")
        return Answer(known.status, known.body, is_repeated=True)
    answer = work(conn)
    conn.execute(delete(table).where(table.c.at < to_micros(now - KEPT)))
    row = {"token_id": request.token_id, "key": request.key, "request_hash": request.fingerprint}
    conn.execute(insert(table).values(**row, status=answer.status, body=dict(answer.body), at=to_micros(now)))
    return answer
