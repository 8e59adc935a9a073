"""The tables of what came in and who writes and answers: mails, readings, people, customers."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata

mails = Table(
    "mails",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("received_at", Moment, nullable=False),
    Column("envelope_from", Text, nullable=False),
    Column("envelope_to", JSON, nullable=False),
    Column("client", Text, nullable=False, server_default=""),
    Column("size_bytes", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="1"),
    Column("drive_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("outcome", String(16)),
    Column("settled_by", String(64)),
    CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled_with_outcome"),
    CheckConstraint("outcome IN ('case', 'review', 'filed', 'noted')", name="outcome_known"),
    Index(
        "ix_mails_unsettled",
        "drive_at",
        postgresql_where=text("settled_at IS NULL"),
        sqlite_where=text("settled_at IS NULL"),
    ),
    Index("ix_mails_received_at", "received_at"),
)

book_pages = Table(
    "book_pages",
    metadata,
    Column("until", Moment, primary_key=True, autoincrement=False),
    Column("since", Moment, nullable=False, unique=True),
    Column("closed_at", Moment, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("settled", JSON, nullable=False),
    CheckConstraint("until > since", name="in_order"),
)
"""Closed pages of the books: the mails received in [since, until) are all settled, so their sums never change."""

raw_mails = Table(
    "raw_mails",
    metadata,
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("codec", String(8), nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

mail_texts = Table(
    "mail_texts",
    metadata,
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("message_id", Text, nullable=False, server_default=""),
    Column("sender", Text, nullable=False, server_default=""),
    Column("text", JSON, nullable=False),
    Index("ix_mail_texts_message_id", "message_id"),
    Index("ix_mail_texts_sender", "sender"),
)

readings = Table(
    "readings",
    metadata,
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("model", String(64), primary_key=True),
    Column("read_at", Moment, nullable=False),
    Column("judgement", JSON, nullable=False),
    Index("ix_readings_model", "model", "mail_id"),
)

teams = Table(
    "teams",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kinds", JSON, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("team_id", Id, ForeignKey("teams.id"), nullable=False),
    Column("languages", JSON, nullable=False),
    Column("lead_id", Id, ForeignKey("people.id")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("joined_at", Moment, nullable=False),
    CheckConstraint("lead_id <> id", name="nobody_leads_themselves"),
    CheckConstraint("name <> '' AND email <> ''", name="named"),
)

absences = Table(
    "absences",
    metadata,
    Column("person_id", Id, ForeignKey("people.id"), primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    CheckConstraint("last_day >= first_day", name="in_order"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("since", Moment, nullable=False),
)

customer_addresses = Table(
    "customer_addresses",
    metadata,
    Column("address", Text, primary_key=True),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False),
    Index("ix_customer_addresses_customer_id", "customer_id"),
)

customer_codes = Table(
    "customer_codes",
    metadata,
    Column("kind", String(24), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False),
    Index("ix_customer_codes_customer_id", "customer_id"),
)

customer_words = Table(
    "customer_words",
    metadata,
    # Compared byte by byte on both databases, so that the words that begin with some letters stand together.
    Column("word", String(40).with_variant(String(40, collation="C"), "postgresql"), primary_key=True),
    Column("customer_id", Id, ForeignKey("customers.id"), primary_key=True),
    Index("ix_customer_words_customer_id", "customer_id", "word"),
)
"""By which words customers are found, folded: see ``itaca.cases.search_words``."""
