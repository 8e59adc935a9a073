"""Each table of the ledger was looked at: an erasure takes its words, or it holds none of a customer's."""

from itaca.storage.tables import metadata

LOSES_ROWS = {
    "activity_subjects",
    "audit_samples",
    "customer_addresses",
    "customer_codes",
    "customer_words",
    "kept_files",
    "last_acts",
    "letter_files",
    "mail_texts",
    "raw_mails",
    "receipts",
}
LOSES_WORDS = {
    "activities",
    "asks",
    "cancellations",
    "case_events",
    "cases",
    "customers",
    "evidence",
    "mails",
    "outbox",
    "parkings",
    "promises",
    "readings",
}
ONLY_IDS_DATES_AND_STATES = {
    "acknowledgements",
    "answer_values",
    "book_pages",
    "case_mails",
    "drift_alarms",
    "erased_cases",
    "erased_keys",
    "erased_mails",
    "erasures",
    "interactions",
    "labels",
    "legal_clocks",
    "mergers",
    "owner_timers",
    "salts",
    "webhook_deliveries",
}
OF_THE_COMPANY = {
    "absences",
    "accounts",
    "api_tokens",
    "desk_events",
    "desk_sessions",
    "identities",
    "idempotent_answers",  # references and verdicts, for two days
    "lookers",
    "people",
    "removals",
    "team_calendars",
    "teams",
    "webhooks",
}
DECIDED = (LOSES_ROWS, LOSES_WORDS, ONLY_IDS_DATES_AND_STATES, OF_THE_COMPANY)


def test_every_table_was_decided_about() -> None:
    """A new table stands in one of these sets: if it may hold words, itaca/storage/erasure_words.py forgets them."""
    named = [name for names in DECIDED for name in sorted(names)]
    assert sorted(named) == sorted(metadata.tables), "see docs/decisions/0016: what does an erasure do with it?"
