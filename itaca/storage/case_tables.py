"""The tables of what follows from mail: cases, promises, what leaves the system, labels."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata
from itaca.storage.moments import NEVER

_OPEN_CASE = text("status = 'open'")
_RETURNED = text("status = 'open' AND returned_at IS NOT NULL")
_LEFT = text("outbox_id IS NOT NULL")
_UNSENT = text("state IN ('pending', 'sending')")

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("matter", Text, nullable=False, server_default=""),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False),
    Column("opened_by", Id, ForeignKey("mails.id"), nullable=False),
    Column("owner_id", Id, ForeignKey("people.id")),
    Column("language", String(2), nullable=False, server_default=""),
    Column("severity", Integer, nullable=False, server_default="1"),
    Column("level", Integer, nullable=False, server_default="0"),
    Column("contacts", Integer, nullable=False, server_default="1"),
    Column("status", String(8), nullable=False, server_default="open"),
    Column("outcome", String(16)),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    # What lists are sorted by; triggers keep both true.
    Column("breaks_at", Moment, nullable=False, server_default=text(str(NEVER))),
    Column("returned_at", Moment),
    CheckConstraint("kind IN ('complaint', 'cancellation', 'order', 'review')", name="kind_known"),
    CheckConstraint("kind = 'order' OR owner_id IS NOT NULL", name="owned"),
    CheckConstraint("status IN ('open', 'closed')", name="status_known"),
    CheckConstraint(
        "(status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (closed_at IS NOT NULL)",
        name="closed_with_outcome",
    ),
    UniqueConstraint("opened_by", "kind"),
    Index(
        "ux_cases_one_open_matter",
        "customer_id",
        "kind",
        "matter",
        unique=True,
        postgresql_where=text("status = 'open'"),
        sqlite_where=text("status = 'open'"),
    ),
    # Open cases by what breaks first: somebody's, everybody's; and those in which something happened last.
    Index(
        "ix_cases_owner_breaks",
        "owner_id",
        "kind",
        "breaks_at",
        "id",
        postgresql_where=_OPEN_CASE,
        sqlite_where=_OPEN_CASE,
    ),
    Index("ix_cases_breaks", "kind", "breaks_at", "id", postgresql_where=_OPEN_CASE, sqlite_where=_OPEN_CASE),
    Index("ix_cases_returned", "owner_id", "returned_at", postgresql_where=_RETURNED, sqlite_where=_RETURNED),
    # All cases, the newest first: ids sort by the time of their making.
    Index("ix_cases_customer", "customer_id", "id"),
    Index("ix_cases_kind_status", "kind", "status", "id"),
    Index("ix_cases_owner_kind_status", "owner_id", "kind", "status", "id"),
    Index(
        "ix_cases_closed_at",
        "closed_at",
        postgresql_where=text("status = 'closed'"),
        sqlite_where=text("status = 'closed'"),
    ),
    Index(
        "ix_cases_matter",
        "matter",
        "id",
        postgresql_where=text("matter <> ''"),
        sqlite_where=text("matter <> ''"),
    ),
)
"""``breaks_at``: when the first of its open promises breaks; ``returned_at``: when it last came back to its owner."""

case_mails = Table(
    "case_mails",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    CheckConstraint("role IN ('opened', 'appended', 'related', 'report')", name="role_known"),
    Index("ix_case_mails_mail_id", "mail_id"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

promises = Table(
    "promises",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("ended_at", Moment),
    Column("evidence", Text),
    CheckConstraint("kind IN ('answer', 'effect', 'acknowledgement')", name="kind_known"),
    CheckConstraint("state <> 'open' OR due_at IS NOT NULL", name="open_with_date"),
    CheckConstraint("state IN ('open', 'kept', 'broken')", name="state_known"),
    CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_when_not_open"),
    Index(
        "ix_promises_open_due", "due_at", postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")
    ),
    Index("ix_promises_case_id", "case_id"),
)

cancellations = Table(
    "cancellations",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("effected_at", Moment),
    Column("watch_until", Moment, nullable=False),
    Column("system", Text, nullable=False, server_default=""),
    Column("evidence", Text, nullable=False, server_default=""),
    Column("violations", Integer, nullable=False, server_default="0"),
    Column("ended_as", String(12)),
    CheckConstraint(
        "state IN ('requested', 'receipted', 'handed', 'effected', 'watched', 'closed')", name="state_known"
    ),
    CheckConstraint("state NOT IN ('effected', 'watched') OR effected_at IS NOT NULL", name="effected_with_date"),
    CheckConstraint("(state = 'closed') = (ended_as IS NOT NULL)", name="closed_with_reason"),
    CheckConstraint("ended_as IN ('watched', 'never', 'withdrawn')", name="reason_known"),
    Index(
        "ix_cancellations_effected",
        "effective_at",
        postgresql_where=text("state = 'effected'"),
        sqlite_where=text("state = 'effected'"),
    ),
    Index(
        "ix_cancellations_watched",
        "watch_until",
        postgresql_where=text("state = 'watched'"),
        sqlite_where=text("state = 'watched'"),
    ),
    # The register, by state or by what was violated.
    Index("ix_cancellations_state", "state", "case_id"),
    Index(
        "ix_cancellations_violated",
        "case_id",
        postgresql_where=text("violations > 0"),
        sqlite_where=text("violations > 0"),
    ),
)
"""``system`` executed it, with that ``evidence``. ``ended_as``: its watch is over and it holds for ever, it never was
a cancellation, or the customer came back."""

case_events = Table(
    "case_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("mail_id", Id, ForeignKey("mails.id")),
    Column("detail", JSON, nullable=False),
    Index("ix_case_events_case_id_at", "case_id", "at"),
)

interactions = Table(
    "interactions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, ForeignKey("customers.id"), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("mail_id", Id, ForeignKey("mails.id")),
    Column("outbox_id", Id, ForeignKey("outbox.id")),
    Column("direction", String(3), nullable=False),
    Column("channel", String(16), nullable=False, server_default="mail"),
    Column("at", Moment, nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    CheckConstraint("direction IN ('in', 'out')", name="direction_known"),
    Index("ix_interactions_customer_id_at", "customer_id", "at"),
    # Who takes a letter back asks every table that may speak of it; mail that came speaks of none.
    Index("ix_interactions_outbox_id", "outbox_id", postgresql_where=_LEFT, sqlite_where=_LEFT),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("mail_id", Id, ForeignKey("mails.id")),
    Column("recipient", Text, nullable=False, server_default=""),
    Column("payload", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("state", String(8), nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, nullable=False),
    Column("lease_until", Moment),
    Column("ended_at", Moment),
    Column("detail", Text, nullable=False, server_default=""),
    CheckConstraint("state IN ('pending', 'sending', 'sent', 'failed', 'unknown')", name="state_known"),
    Index("ix_outbox_due", "next_at", postgresql_where=_UNSENT, sqlite_where=_UNSENT),
    Index("ix_outbox_case_id", "case_id"),
    Index("ix_outbox_mail_id", "mail_id"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    # The primary key is the rule: at most one acknowledgement for a customer's matter on a day of the company.
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("outbox_id", Id, ForeignKey("outbox.id"), nullable=False),
    Index("ix_acknowledgements_outbox_id", "outbox_id"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mail_id", Id, ForeignKey("mails.id"), nullable=False),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("intents", JSON, nullable=False),
    Column("is_blind", Boolean, nullable=False),
    Column("labelled_at", Moment, nullable=False),
    Index("ix_labels_mail_id", "mail_id"),
)

audit_samples = Table(
    "audit_samples",
    metadata,
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("drawn_at", Moment, nullable=False),
    Column("share", Float, nullable=False),
    Column("language", String(8), nullable=False, server_default=""),
    Column("model", String(64), nullable=False),
    Column("checked_at", Moment),
    Column("checked_by", Id, ForeignKey("people.id")),
    Column("label_id", Id, ForeignKey("labels.id")),
    Column("is_complaint", Boolean),
    CheckConstraint("share > 0 AND share <= 1", name="share_possible"),
    CheckConstraint(
        "(checked_at IS NULL) = (is_complaint IS NULL) AND (checked_at IS NULL) = (label_id IS NULL)"
        " AND (checked_at IS NULL) = (checked_by IS NULL)",
        name="checked_with_answer",
    ),
    # The share stands in the index so that routing reads the index alone.
    Index("ix_audit_samples_drawn_at", "drawn_at", "share"),
    Index(
        "ix_audit_samples_waiting",
        "drawn_at",
        postgresql_where=text("checked_at IS NULL"),
        sqlite_where=text("checked_at IS NULL"),
    ),
)
"""Mails that nobody saw, drawn by chance for a blind check; ``share`` is the chance that each of them had."""

drift_alarms = Table(
    "drift_alarms",
    metadata,
    Column("language", String(8), primary_key=True),
    Column("drift", Float, nullable=False),
    Column("review_above", Float, nullable=False),
    Column("raised_at", Moment, nullable=False),
)
"""Languages, or ``all``, whose complaint scores have drifted: the watch writes it, the router reads it."""
