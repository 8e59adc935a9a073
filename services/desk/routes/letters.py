"""Files that we sent with answers, as they left."""

from fastapi import APIRouter
from starlette.responses import Response

from itaca.contracts.ids import OutboxId
from itaca.storage.answer_files import load_files
from services.desk.door import DeskHere, NotFoundError, Reader
from services.desk.downloads import download

router = APIRouter(prefix="/letters/{letter_id}")


@router.get("/files/{position}")
async def file(desk: DeskHere, letter_id: str, position: int, _: Reader) -> Response:
    """Give one file exactly as it left; always as a download."""
    files = await desk.database.read(lambda conn: load_files(conn, OutboxId(letter_id)))
    if not 0 <= position < len(files):
        raise NotFoundError("the letter has no such file")
    return download(files[position].content, files[position].name)
