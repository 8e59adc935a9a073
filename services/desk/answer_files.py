"""Files that an answer carries: chosen on this computer, or from what the customer sent; few and small enough."""

from collections.abc import Sequence

from fastapi import UploadFile
from sqlalchemy import Connection

from itaca.cases.interactions import RecordedFile
from itaca.contracts.ids import CaseId, MailId
from itaca.errors import PermanentError
from itaca.storage.desk_case import case_files
from itaca.storage.mails import load_raw
from services.desk.desk import Desk
from services.desk.settings import MEGABYTE

UNNAMED_TYPE = "application/octet-stream"
TOO_MANY = "too many files for one answer"
TOO_LARGE = "the files are too large for one answer"
NOT_HERE = "a file that was chosen is not among those of this case"


async def answer_files(
    desk: Desk, case_id: CaseId, uploads: Sequence[UploadFile], chosen: Sequence[str]
) -> tuple[RecordedFile, ...]:
    """Return the files of an answer with their bytes.

    Args:
        chosen: files of the case, each as ``<mail id>:<position>``.

    Raises:
        PermanentError: too many, too large together, or not of this case.
    """
    given = [one for one in uploads if one.filename]
    if len(given) + len(chosen) > desk.settings.answer_files:
        raise PermanentError(TOO_MANY)
    # The sizes are looked at before a byte is read: what was sent lies on the disk until then.
    left = desk.settings.answer_megabytes * MEGABYTE - sum(one.size or 0 for one in given)
    if left < 0:
        raise PermanentError(TOO_LARGE)
    files = [RecordedFile(_name(one.filename), one.content_type or UNNAMED_TYPE, await one.read()) for one in given]
    listed = await desk.database.read(
        lambda conn: {f"{f.mail_id}:{f.position}": f for f in case_files(conn, case_id)}
    )
    for key in dict.fromkeys(chosen):
        if key not in listed:
            raise PermanentError(NOT_HERE)
        left -= listed[key].size_bytes
        if left < 0:
            raise PermanentError(TOO_LARGE)
        one = listed[key]
        files.append(RecordedFile(one.name, one.content_type, await _evidence(desk, one.mail_id, one.position)))
    return tuple(files)


async def _evidence(desk: Desk, mail_id: MailId, position: int) -> bytes:
    def raw_mail(conn: Connection) -> bytes:
        return load_raw(conn, mail_id)

    found = await desk.cleaner.file(await desk.database.read(raw_mail), position)
    if found is None:
        raise PermanentError(NOT_HERE)
    return found[1]


def _name(name: str | None) -> str:
    """Return the last part of a name: some browsers send whole paths."""
    return (name or "").replace("\\", "/").rpartition("/")[2].strip()
