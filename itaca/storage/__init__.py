"""The ledger: what is kept, on SQLite or PostgreSQL."""
