"""Outbox in; acknowledgements, notices and hand-offs out."""
