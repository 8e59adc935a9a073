"""The tables of other systems: their tokens, what they report, what they are told, and the receipts of customers."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    CheckConstraint("name <> ''", name="named"),
)
"""Who may use the API. Only a digest of the secret is kept: 256 bits of chance need no slow hash."""

idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("token_id", String(16), ForeignKey("api_tokens.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_idempotent_answers_at", "at"),
)
"""What a request with an Idempotency-Key was answered; written in the transaction of its effect."""

activities = Table(
    "activities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("system", String(64), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("reported_by", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id")),
    CheckConstraint("kind IN ('charge', 'shipment', 'mailing')", name="kind_known"),
    CheckConstraint("verdict IN ('clear', 'violation', 'unknown')", name="verdict_known"),
    CheckConstraint("(verdict = 'violation') = (case_id IS NOT NULL)", name="violation_of_a_case"),
    UniqueConstraint("system", "external_id"),
    Index(
        "ix_activities_case_id",
        "case_id",
        postgresql_where=text("case_id IS NOT NULL"),
        sqlite_where=text("case_id IS NOT NULL"),
    ),
)
"""Charges, shipments and mailings that happened, as the systems that made them report."""

activity_subjects = Table(
    "activity_subjects",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("happened_at", Moment, primary_key=True),
    Column("activity_id", Id, ForeignKey("activities.id"), primary_key=True),
    CheckConstraint("kind IN ('email', 'customer', 'contract')", name="kind_known"),
    Index("ix_activity_subjects_activity_id", "activity_id"),
)
"""To whom they were done, by each name that the report gives: a cancellation dated back finds them by it."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_because", Text, nullable=False, server_default=""),
    Column("paused_at", Moment),
    Column("old_secret", Text),
    Column("old_until", Moment),
    CheckConstraint("(ended_at IS NULL) = (ended_because = '')", name="ended_with_reason"),
)
"""Subscriptions: which events go where, and the secret by which they are signed, sealed by a key of this Itaca; after
a rotation the old one signs beside it until ``old_until``."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhooks.id"), nullable=False),
    Column("outbox_id", Id, ForeignKey("outbox.id"), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("event", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("status", Integer),
    Column("milliseconds", Integer, nullable=False),
    Column("problem", Text, nullable=False, server_default=""),
    Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
    Index("ix_webhook_deliveries_outbox_id", "outbox_id"),
)
"""Every attempt at delivering an event; ``status`` is what HTTP answered, NULL where nobody did."""

receipts = Table(
    "receipts",
    metadata,
    Column("token", String(32), primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, unique=True),
    Column("issued_at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
)
"""Signed receipts of cancellations: the document as it was signed, byte for byte."""
