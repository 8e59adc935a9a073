"""Receipts: the page where a customer, or anybody they show it to, verifies one; and its issue for systems."""

import base64
import hashlib
import html
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

from babel.dates import format_datetime
from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from itaca.cases.policy import Policy
from itaca.cases.receipts import Signed
from itaca.contracts.ids import CaseId
from itaca.process import Parts
from itaca.storage.cancellations import load_cancellation
from itaca.storage.receipts import Receipt, find_receipt, issue_receipt, open_signer
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import needs
from services.desk.api.core import Body, Reference, api_of, known
from services.desk.api.etags import answer
from services.desk.api.problems import problem

router = APIRouter(tags=["cancellations"])
MayRead = Annotated[Token, Depends(needs(Scope.CANCELLATIONS_READ))]
_LONGEST_TOKEN = 32
_MOMENTS = ("requested_at", "effective_at", "issued_at")


class ReceiptBody(Body):
    """A signed receipt: whoever has it can verify it without us."""

    token: str = Field(description="Its page is /receipts/ and this.")
    document: str = Field(description="What was signed, byte for byte.")
    signature: str = Field(description="Ed25519 (RFC 8032) over the document in UTF-8, in base64.")
    public_key: str = Field(description="In base64.")


@router.get(
    "/cancellations/{reference}/receipt",
    response_model=ReceiptBody,
    summary="Read the signed receipt of a cancellation",
)
async def get(request: Request, token: MayRead, reference: Reference) -> Response:
    """Signed when it is first asked for, or when the customer's acknowledgement named it; always the same."""
    api = api_of(request)
    now = api.clock.now()
    signer = open_signer(api.shared)

    def work(conn: Connection) -> Receipt | None:
        found = load_cancellation(conn, reference)
        if found is None:
            return None
        return issue_receipt(conn, CaseId(found.case_id), api.shared.organisation, signer, now)

    receipt = await api.database.write(work)
    return answer(request, told(known(receipt, "no cancellation has this reference")))


def told(receipt: Receipt) -> dict[str, str]:
    """Return a receipt as it is answered."""
    body = ReceiptBody(
        token=receipt.token,
        document=receipt.signed.document,
        signature=base64.b64encode(receipt.signed.signature).decode(),
        public_key=base64.b64encode(receipt.signed.public_key).decode(),
    )
    return body.model_dump()


def pages(parts: Parts, policy: Policy) -> list[Route]:
    """Return the public pages; they show what the receipt says and nothing else of the ledger."""

    async def find(request: Request) -> Receipt | None:
        token = request.path_params["token"]
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        return await parts.database.read(lambda conn: find_receipt(conn, token))

    async def page(request: Request) -> Response:
        words = _words(request.headers.get("accept-language", ""))
        receipt = await find(request)
        if receipt is None:
            return HTMLResponse(_frame(words, f"<p>{html.escape(words['none'])}</p>"), 404)
        return HTMLResponse(_frame(words, _receipt(words, receipt, policy)))

    async def document(request: Request) -> Response:
        receipt = await find(request)
        if receipt is None:
            return problem(404, "there is no such receipt")
        return JSONResponse({name: value for name, value in told(receipt).items() if name != "token"})

    return [
        Route("/receipts/{token}.json", document, methods=["GET"]),
        Route("/receipts/{token}", page, methods=["GET"]),
    ]


def _receipt(words: Mapping[str, str], receipt: Receipt, policy: Policy) -> str:
    signed = receipt.signed
    verdict, looks = (words["valid"], "good") if signed.is_valid() else (words["invalid"], "problem")
    lines = _lines(words, signed, policy)
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in lines)
    key = hashlib.sha256(signed.public_key).hexdigest()[:16]
    link = f'<a href="/receipts/{html.escape(receipt.token)}.json">{html.escape(words["download"])}</a>'
    return (
        f'<p class="{looks}" role="status"><strong>{html.escape(verdict)}</strong></p><dl>{rows}</dl>'
        f"<details><summary>{html.escape(words['document'])}</summary><pre>{html.escape(signed.document)}</pre>"
        f"<p>{html.escape(words['key'])} {key} · {link}</p></details>"
    )


def _lines(words: Mapping[str, str], signed: Signed, policy: Policy) -> list[tuple[str, str]]:
    said = signed.content() if signed.is_valid() else {}
    lines = []
    for name in ("organisation", "reference", "contract", *_MOMENTS):
        value = said.get(name, "")
        if value and name in _MOMENTS:
            moment = datetime.fromisoformat(value).astimezone(policy.calendar.zone)
            value = format_datetime(moment, "long", locale=words["language"])
        if value:
            lines.append((words[name], value))
    return lines


def _frame(words: Mapping[str, str], body: str) -> str:
    title = html.escape(words["title"])
    return (
        f'<!doctype html><html lang="{words["language"]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{title}</title><link rel="stylesheet" href="/static/desk.css">'
        '<link rel="stylesheet" href="/static/pages.css"></head>'
        f'<body><main><section class="card contact"><h1>{title}</h1>{body}</section></main></body></html>'
    )


def _words(accepted: str) -> Mapping[str, str]:
    """Return the words of the first language that the browser names and that we have; Italian if there is none."""
    tables = _tables()
    asked = (one.split(";")[0].strip()[:2].lower() for one in accepted.split(","))
    return tables[next((code for code in asked if code in tables), "it")]


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    words = tomllib.loads((files("services.desk.api") / "receipts.toml").read_text(encoding="utf-8"))
    return {language: {**table, "language": language} for language, table in words.items()}
