"""Every table of the ledger, with the invariants that matter written where no code can forget them.

Moments are stored as integers: microseconds since the epoch, UTC. The triggers that refuse a second settlement
and any change of the history stand in ``triggers.py``, because SQL dialects differ there.
"""

from itaca.storage.act_tables import kept_files, last_acts, letter_files, mergers
from itaca.storage.api_tables import (
    activities,
    activity_subjects,
    api_tokens,
    idempotent_answers,
    receipts,
    webhook_deliveries,
    webhooks,
)
from itaca.storage.case_tables import (
    acknowledgements,
    audit_samples,
    cancellations,
    case_events,
    case_mails,
    cases,
    drift_alarms,
    evidence,
    interactions,
    labels,
    outbox,
    promises,
)
from itaca.storage.clock_tables import legal_clocks, owner_timers, parkings, team_calendars
from itaca.storage.columns import metadata
from itaca.storage.desk_tables import accounts, desk_events, desk_sessions, identities, lookers
from itaca.storage.erasure_tables import erased_cases, erased_keys, erased_mails, erasures, salts
from itaca.storage.mail_tables import (
    absences,
    book_pages,
    customer_addresses,
    customer_codes,
    customer_words,
    customers,
    mail_texts,
    mails,
    people,
    raw_mails,
    readings,
    teams,
)
from itaca.storage.value_tables import answer_values, asks, removals

__all__ = [
    "absences",
    "accounts",
    "acknowledgements",
    "activities",
    "activity_subjects",
    "answer_values",
    "api_tokens",
    "asks",
    "audit_samples",
    "book_pages",
    "cancellations",
    "case_events",
    "case_mails",
    "cases",
    "customer_addresses",
    "customer_codes",
    "customer_words",
    "customers",
    "desk_events",
    "desk_sessions",
    "drift_alarms",
    "erased_cases",
    "erased_keys",
    "erased_mails",
    "erasures",
    "evidence",
    "idempotent_answers",
    "identities",
    "interactions",
    "kept_files",
    "labels",
    "last_acts",
    "legal_clocks",
    "letter_files",
    "lookers",
    "mail_texts",
    "mails",
    "mergers",
    "metadata",
    "outbox",
    "owner_timers",
    "parkings",
    "people",
    "promises",
    "raw_mails",
    "readings",
    "receipts",
    "removals",
    "salts",
    "team_calendars",
    "teams",
    "webhook_deliveries",
    "webhooks",
]
