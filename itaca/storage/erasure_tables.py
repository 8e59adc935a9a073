"""The tables of what was forgotten: tombstones that say what is gone, and salted hashes that still recognise it."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from itaca.storage.columns import Id, Moment, metadata

erasures = Table(
    "erasures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("customer_id", Id, ForeignKey("customers.id")),
    Column("mails", Integer, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("until", Moment),
    CheckConstraint("kind IN ('customer', 'noted', 'closed')", name="kind_known"),
    CheckConstraint("(kind = 'customer') = (customer_id IS NOT NULL)", name="customer_named"),
    CheckConstraint("(kind = 'customer') = (until IS NULL)", name="retention_until"),
    CheckConstraint("reason <> ''", name="with_reason"),
    Index("ix_erasures_customer_id", "customer_id"),
    Index("ix_erasures_kind_until", "kind", "until"),
)
"""Tombstones: a customer was erased, or the words of one class were kept long enough, up to ``until``."""

erased_mails = Table(
    "erased_mails",
    metadata,
    Column("mail_id", Id, ForeignKey("mails.id"), primary_key=True),
    Column("erasure_id", Id, ForeignKey("erasures.id"), nullable=False),
    Index("ix_erased_mails_erasure_id", "erasure_id"),
)
"""Mails of which only the entry in the books is left; the triggers let nothing else be forgotten."""

erased_cases = Table(
    "erased_cases",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("erasure_id", Id, ForeignKey("erasures.id"), nullable=False),
    Index("ix_erased_cases_erasure_id", "erasure_id"),
)
"""Cases of which only states, dates and counts are left; one that came back may be erased again."""

erased_keys = Table(
    "erased_keys",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("customer_id", Id, ForeignKey("customers.id"), primary_key=True),
    Column("erasure_id", Id, ForeignKey("erasures.id"), nullable=False),
    Index("ix_erased_keys_erasure_id", "erasure_id"),
)
"""Salted hashes of the addresses, customer codes and contracts by which an erased customer was known."""

salts = Table(
    "salts",
    metadata,
    Column("purpose", String(16), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)
"""Chance that makes the hashes of this ledger its own; made once and never changed."""
