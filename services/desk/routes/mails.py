"""What a customer sent, shown so that it can do no harm: HTML in a locked frame, files as downloads."""

import hashlib

import structlog
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.roles import Right
from itaca.contracts.ids import MailId
from itaca.mail.model import MailText
from itaca.storage.desk_case import is_shown_in_case
from itaca.storage.erasure import is_erased
from itaca.storage.invitations import new_secret
from itaca.storage.mails import load_raw, load_texts
from services.desk.desk import Desk
from services.desk.door import DeskHere, NotFoundError, Reader, allowed
from services.desk.downloads import SEALED, download
from services.desk.pictures import picture_type

log = structlog.get_logger()
router = APIRouter()
REPORTS = "/policy-reports"
_MOST_REPORT_BYTES = 8192


def frame_policy(nonce: str) -> str:
    """Return the content policy of a customer's HTML: one style of ours, and nothing else whatsoever."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'self'; sandbox; report-uri {REPORTS}"
    )


@router.get("/mails/{mail_id}/html")
async def html(desk: DeskHere, visitor: Reader, mail_id: str) -> Response:
    """Show the HTML of a mail, sanitised; its text where there is no HTML, or none that can be shown."""
    raw, text = await _load(desk, mail_id)
    return frame(desk, visitor.language, await desk.cleaner.html(raw), text)


def frame(desk: Desk, language: str, fragment: str | None, text: MailText) -> Response:
    """Return the document of the frame; ``fragment`` is HTML made safe before."""
    nonce = new_secret()
    response = desk.pages.page("frame.html", language, {"fragment": fragment, "text": text, "nonce": nonce})
    response.headers["content-security-policy"] = frame_policy(nonce)
    return response


@router.get("/mails/{mail_id}/original")
async def original(desk: DeskHere, mail_id: str, _: Reader) -> Response:
    """Give the mail exactly as it was accepted."""
    raw, _text = await _load(desk, mail_id)
    return download(raw, f"{mail_id}.eml")


@router.get("/mails/{mail_id}/files/{position}")
async def file(desk: DeskHere, mail_id: str, position: int, _: Reader) -> Response:
    """Give one file exactly as it came; always as a download, whatever it says it is."""
    name, data = await _file(desk, mail_id, position)
    return download(data, name)


@router.get("/mails/{mail_id}/files/{position}/picture", dependencies=[Depends(allowed(Right.READ))])
async def picture(desk: DeskHere, mail_id: str, position: int) -> Response:
    """Show a file that is a picture by its bytes, whatever its name says."""
    _, data = await _file(desk, mail_id, position)
    kind = picture_type(data)
    if kind is None:
        raise NotFoundError("this file is no picture that can be shown")
    return Response(data, media_type=kind, headers={"content-security-policy": SEALED})


@router.post(REPORTS)
async def policy_report(request: Request) -> Response:
    """Take a browser's word that a content policy stopped something: worth a look, and never believed further."""
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > _MOST_REPORT_BYTES:
            break
    log.warning("desk.policy_violated", size_bytes=size_bytes)
    return Response(status_code=204)


async def _load(desk: Desk, mail_id: str) -> tuple[bytes, MailText]:
    def work(conn: Connection) -> tuple[bytes, MailText] | None:
        if not is_shown_in_case(conn, MailId(mail_id)):
            return None
        if is_erased(conn, MailId(mail_id)):
            raise NotFoundError("the mail was erased at the customer's wish")
        text = load_texts(conn, [MailId(mail_id)]).get(MailId(mail_id), MailText(is_readable=False))
        return load_raw(conn, MailId(mail_id)), text

    found = await desk.database.read(work)
    if found is None:
        raise NotFoundError("no case holds this mail")
    return found


async def _file(desk: Desk, mail_id: str, position: int) -> tuple[str, bytes]:
    raw, text = await _load(desk, mail_id)
    found = await desk.cleaner.file(raw, position)
    if found is None or not 0 <= position < len(text.attachments):
        raise NotFoundError("the mail has no such file")
    if hashlib.sha256(found[1]).hexdigest() != text.attachments[position].sha256:
        raise NotFoundError("the file is not the one that was listed")
    return found
