"""Versions of answers: ETag, If-None-Match and If-Match (RFC 9110, 8.8.3 and 13.1)."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Request
from starlette.responses import Response

from services.desk.api.problems import RefusedError

_TAG = re.compile(r'(?:W/)?("[^"]*")')
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of what was read: a change on top of another's fails.")
]


def rendered(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def etag_of(body: bytes) -> str:
    """Return a strong tag: the same bytes have the same one."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def answer(
    request: Request, content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the content as JSON with its tag, or 304 when the asker has it already."""
    body = rendered(content)
    tag = etag_of(body)
    own = {"cache-control": "no-cache", **(headers or {}), "etag": tag}
    if request.method == "GET" and is_among(tag, request.headers.get("if-none-match")):
        return Response(status_code=304, headers=own)
    return Response(body, status, own, "application/json")


def is_among(tag: str, listed: str | None) -> bool:
    """Say whether a header of tags names this one; ``*`` names every one."""
    if listed is None:
        return False
    return listed.strip() == "*" or tag in _TAG.findall(listed)


def check_match(content: Mapping[str, Any], listed: str | None, is_needed: bool = False) -> None:
    """Compare what is there with what the asker read.

    Raises:
        RefusedError: 412, it has changed since; 428, nothing says what was read (RFC 6585, 3).
    """
    if listed is None:
        if is_needed:
            raise RefusedError(428, "say what you read: send its ETag as If-Match")
        return
    if not is_among(etag_of(rendered(content)), listed):
        raise RefusedError(412, "it has changed since it was read: read it again")
