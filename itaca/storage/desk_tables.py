"""The tables of the desk: who may sign in and how, who is signed in, and what happened at the door."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from itaca.storage.columns import Id, Moment, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("person_id", Id, ForeignKey("people.id"), primary_key=True),
    Column("role", String(8), nullable=False),
    Column("language", String(2), nullable=False, server_default=""),
    Column("password_hash", Text),
    Column("invite_hash", String(64), unique=True),
    Column("invite_until", Moment),
    CheckConstraint("role IN ('agent', 'lead', 'ops', 'admin')", name="role_known"),
    CheckConstraint("(invite_hash IS NULL) = (invite_until IS NULL)", name="invite_ends"),
)
"""One row for each person who may use the desk. A link that sets the password is kept as its SHA-256 only."""

desk_sessions = Table(
    "desk_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_desk_sessions_person_id", "person_id"),
)
"""Who is signed in."""

lookers = Table(
    "lookers",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("reference", String(16), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Index("ix_lookers_reference_seen_at", "reference", "seen_at"),
)
"""Which cases a session has open, and when it was last seen to: two people on one case see each other."""

desk_events = Table(
    "desk_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("person_id", Id, ForeignKey("people.id")),
    Column("client", Text, nullable=False, server_default=""),
    Column("subject", String(64), nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("by_id", Id, ForeignKey("people.id")),
    Index("ix_desk_events_at", "at"),
    Index("ix_desk_events_client", "client", "at"),
    Index("ix_desk_events_subject", "subject", "at"),
)
"""What happened at the door: sign-ins, refusals, denied access, and every change of people, roles, teams and hours.

``subject`` is the SHA-256 of the address tried; ``person_id`` whom it concerns, ``by_id`` who did it.
"""

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("bound_at", Moment, nullable=False),
    UniqueConstraint("person_id", "issuer"),
)
"""By which subject of an identity provider somebody signs in (OpenID Connect Core 1.0, 2): for each issuer one."""
