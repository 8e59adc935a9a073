"""Files that leave with answers: kept before the answer is sent, once for each content, named by their SHA-256."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from itaca.cases.interactions import RecordedFile
from itaca.contracts.ids import OutboxId
from itaca.storage.codec import CODEC, compress, decompress, storable
from itaca.storage.tables import kept_files, letter_files
from itaca.storage.upsert import insert_new

UNNAMED = "file"


@dataclass(frozen=True)
class SentFile:
    """One file of an answer, as the desk lists it; ``position`` is its place in the letter."""

    outbox_id: OutboxId
    position: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str


def keep_files(conn: Connection, outbox_id: OutboxId, files: Sequence[RecordedFile]) -> None:
    """Keep the files of an answer that waits in the outbox."""
    for position, file in enumerate(files):
        sha256 = hashlib.sha256(file.content).hexdigest()
        kept = {"sha256": sha256, "size_bytes": len(file.content), "codec": CODEC}
        conn.execute(insert_new(conn, kept_files, key=("sha256",)), {**kept, "content": compress(file.content)})
        called = {"name": storable(file.name) or UNNAMED, "content_type": storable(file.content_type)}
        conn.execute(insert(letter_files).values(outbox_id=outbox_id, position=position, sha256=sha256, **called))


def drop_files(conn: Connection, outbox_ids: Sequence[str]) -> bool:
    """Forget the files of answers that were taken back, unless another answer carries them too; were there any?"""
    mine = letter_files.c.outbox_id.in_(outbox_ids)
    contents = conn.scalars(select(letter_files.c.sha256).where(mine).distinct()).all()
    conn.execute(delete(letter_files).where(mine))
    carried = select(letter_files.c.sha256).where(letter_files.c.sha256 == kept_files.c.sha256)
    conn.execute(delete(kept_files).where(kept_files.c.sha256.in_(contents), ~carried.exists()))
    return bool(contents)


def sent_files(conn: Connection, outbox_ids: Sequence[str]) -> list[SentFile]:
    """Return which files these letters carry, in order."""
    query = (
        select(letter_files, kept_files.c.size_bytes).join(kept_files).where(letter_files.c.outbox_id.in_(outbox_ids))
    )
    return [
        SentFile(OutboxId(row.outbox_id), row.position, row.name, row.content_type, row.size_bytes, row.sha256)
        for row in conn.execute(query.order_by(letter_files.c.outbox_id, letter_files.c.position))
    ]


def load_files(conn: Connection, outbox_id: OutboxId) -> list[RecordedFile]:
    """Return the files of one letter with their bytes, as they were given to us.

    Raises:
        PermanentError: the storage is damaged.
    """
    query = select(letter_files, kept_files.c.codec, kept_files.c.content).join(kept_files)
    rows = conn.execute(query.where(letter_files.c.outbox_id == outbox_id).order_by(letter_files.c.position))
    return [RecordedFile(row.name, row.content_type, decompress(row.codec, row.content)) for row in rows]
