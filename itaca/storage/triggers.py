"""What the ledger never forgets: triggers that refuse a second settlement and every change of the history.

Each rule is written once, as what is protected against what; two functions spell it for the two dialects. The
migrations hold a copy of the SQL as it was, and a test compares both with what a database really has.
"""

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True)
class Rule:
    """One trigger: before ``action`` on ``table``, refuse with ``says`` when ``condition`` holds.

    ``columns`` narrows an UPDATE to those columns; an empty ``condition`` always refuses.
    """

    name: str
    table: str
    action: str
    says: str
    columns: tuple[str, ...] = ()
    condition: str = ""


RULES = (
    Rule(
        "mails_settled_once",
        "mails",
        "UPDATE",
        "a settled mail stays settled",
        columns=("settled_at", "outcome", "settled_by"),
        condition="OLD.settled_at IS NOT NULL",
    ),
    Rule(
        "mails_unchanged",
        "mails",
        "UPDATE",
        "what was accepted never changes",
        columns=("id", "digest", "received_at", "envelope_from", "envelope_to", "client", "size_bytes"),
    ),
    Rule("mails_kept", "mails", "DELETE", "a mail is never deleted"),
    Rule("raw_mails_unchanged", "raw_mails", "UPDATE", "what was accepted never changes"),
    Rule("raw_mails_kept", "raw_mails", "DELETE", "a mail is never deleted"),
    Rule("readings_unchanged", "readings", "UPDATE", "a reading never changes"),
    Rule("readings_kept", "readings", "DELETE", "a reading never changes"),
    Rule("book_pages_unchanged", "book_pages", "UPDATE", "a closed page stays closed"),
    Rule("case_events_unchanged", "case_events", "UPDATE", "the history only grows"),
    Rule("case_events_kept", "case_events", "DELETE", "the history only grows"),
    Rule("desk_events_unchanged", "desk_events", "UPDATE", "what happened at the door stays written"),
)


def statements(dialect: str) -> list[str]:
    """Return the SQL that creates every trigger, for ``sqlite`` or ``postgresql``."""
    if dialect == "sqlite":
        return [_for_sqlite(rule) for rule in RULES]
    return [sql for rule in RULES for sql in _for_postgresql(rule)]


def create_triggers(connection: Connection) -> None:
    """Create every trigger in a database whose tables are there."""
    for sql in statements(connection.dialect.name):
        connection.exec_driver_sql(sql)


def _event(rule: Rule) -> str:
    return f"{rule.action} OF {', '.join(rule.columns)}" if rule.columns else rule.action


def _for_sqlite(rule: Rule) -> str:
    when = f" WHEN {rule.condition}" if rule.condition else ""
    return (
        f"CREATE TRIGGER {rule.name} BEFORE {_event(rule)} ON {rule.table}{when} "
        f"BEGIN SELECT RAISE(ABORT, '{rule.says}'); END"
    )


def _for_postgresql(rule: Rule) -> list[str]:
    """Return the function and the trigger; the error is of the class of integrity violations."""
    when = f" WHEN ({rule.condition})" if rule.condition else ""
    return [
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{rule.says}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {rule.name} BEFORE {_event(rule)} ON {rule.table} "
        f"FOR EACH ROW{when} EXECUTE FUNCTION {rule.name}()",
    ]
