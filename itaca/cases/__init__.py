"""Rules about cases: owners, severity, promises and deadlines."""
