"""The tables of what people do at the desk: cases that were merged, acts that can be undone, files of answers."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata

mergers = Table(
    "mergers",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("into_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("merged_at", Moment, nullable=False),
    CheckConstraint("case_id <> into_id", name="into_another"),
    Index("ix_mergers_into_id", "into_id"),
)
"""Cases that go on in another one; ``into_id`` is always the last of a chain: it is open, or ended in itself."""

last_acts = Table(
    "last_acts",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("before", JSON, nullable=False),
)
"""The last act of a person on a case, if it can be undone; ``before`` is how the cases stood, by ids and dates."""

kept_files = Table(
    "kept_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", Integer, nullable=False),
    Column("codec", String(8), nullable=False),
    Column("content", LargeBinary, nullable=False),
    CheckConstraint("size_bytes >= 0", name="sized"),
)
"""Bytes of files that leave with answers, once for each content."""

letter_files = Table(
    "letter_files",
    metadata,
    Column("outbox_id", Id, ForeignKey("outbox.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sha256", String(64), ForeignKey("kept_files.sha256"), nullable=False),
    CheckConstraint("name <> ''", name="named"),
    Index("ix_letter_files_sha256", "sha256"),
)
"""Which files a person sent with an answer, and what they were called."""
