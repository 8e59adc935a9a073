"""Itaca: e-mail triage that never drops a complaint."""
