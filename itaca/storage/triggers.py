"""What the ledger never forgets: triggers that refuse a second settlement and every change of the history.

What a tombstone stands for may lose its words, and nothing else: no statement of ours could do it by mistake.

Others keep a timer for every open case that somebody owns, whoever opens, hands over or closes it, and the two
moments by which lists of cases are sorted, whoever promises, keeps or breaks a promise.

Each rule is written once, as what is protected against what; two functions spell it for the two dialects. The
migrations hold a copy of the SQL as it was, and a test compares both with what a database really has.
"""

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True)
class Rule:
    """One trigger: before ``action`` on ``table``, refuse with ``says`` when ``condition`` and ``query`` hold.

    ``columns`` narrows an UPDATE to those columns; an empty ``condition`` always refuses. ``query`` is the part of
    the condition that reads other rows. With ``does`` it refuses nothing and runs this statement afterwards.
    """

    name: str
    table: str
    action: str
    says: str
    columns: tuple[str, ...] = ()
    condition: str = ""
    query: str = ""
    does: str = ""


_ERASED = "EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = "
_ERASED_CASE = (
    "EXISTS (SELECT 1 FROM erased_cases JOIN cases ON cases.id = case_id "
    "WHERE case_id = OLD.case_id AND status = 'closed')"
)
"""What only a tombstone lets through, written before: see ``itaca.storage.erasure``."""
_TIMERS_OF = (
    "UPDATE owner_timers SET check_at = 0 "
    "WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = "
)

_REDATED = (
    # The first statement waits for whoever changes another promise of the case; the second then sees what they did.
    "UPDATE cases SET breaks_at = breaks_at WHERE id IN (OLD.case_id, NEW.case_id); "
    "UPDATE cases SET breaks_at = (SELECT coalesce(min(due_at), 9223372036854775807) FROM promises "
    "WHERE promises.case_id = cases.id AND promises.state = 'open') WHERE id IN (OLD.case_id, NEW.case_id)"
)
_UNDATED = _REDATED.replace("IN (OLD.case_id, NEW.case_id)", "= OLD.case_id")
CAME_BACK = ("appended", "reopened", "violated", "promise_broken", "report", "reply_failed")
"""Events by which a case comes back to its owner."""


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
        columns=("id", "digest", "received_at", "size_bytes"),
    ),
    Rule(
        "mails_addressed",
        "mails",
        "UPDATE",
        "what was accepted never changes",
        columns=("envelope_from", "envelope_to", "client"),
        query=f"NOT {_ERASED}OLD.id)",
    ),
    Rule("mails_kept", "mails", "DELETE", "a mail is never deleted"),
    Rule("raw_mails_unchanged", "raw_mails", "UPDATE", "what was accepted never changes"),
    Rule("raw_mails_kept", "raw_mails", "DELETE", "a mail is never deleted", query=f"NOT {_ERASED}OLD.mail_id)"),
    Rule(
        "readings_unchanged", "readings", "UPDATE", "a reading never changes", columns=("mail_id", "model", "read_at")
    ),
    Rule(
        "readings_worded",
        "readings",
        "UPDATE",
        "a reading never changes",
        columns=("judgement",),
        query=f"NOT {_ERASED}OLD.mail_id)",
    ),
    Rule("readings_kept", "readings", "DELETE", "a reading never changes"),
    Rule("book_pages_unchanged", "book_pages", "UPDATE", "a closed page stays closed"),
    Rule(
        "case_events_unchanged",
        "case_events",
        "UPDATE",
        "the history only grows",
        columns=("id", "case_id", "at", "kind", "actor", "mail_id"),
    ),
    Rule(
        "case_events_worded",
        "case_events",
        "UPDATE",
        "the history only grows",
        columns=("detail",),
        query=f"CAST(NEW.detail AS TEXT) <> '{{}}' OR NOT ({_ERASED_CASE} OR {_ERASED}OLD.mail_id))",
    ),
    Rule("case_events_kept", "case_events", "DELETE", "the history only grows"),
    Rule(
        "erased_mails_settled",
        "erased_mails",
        "INSERT",
        "a mail under way is not erased",
        query="EXISTS (SELECT 1 FROM mails WHERE id = NEW.mail_id AND settled_at IS NULL)",
    ),
    Rule(
        "erased_cases_closed",
        "erased_cases",
        "INSERT",
        "an open case is not erased",
        query="EXISTS (SELECT 1 FROM cases WHERE id = NEW.case_id AND status = 'open')",
    ),
    *(
        Rule(f"{table}_{name}", table, action, "a tombstone stays")
        for table in ("erasures", "erased_mails", "erased_keys", "salts")
        for name, action in (("unchanged", "UPDATE"), ("kept", "DELETE"))
    ),
    *(
        Rule(f"desk_events_{name}", "desk_events", action, "what happened at the door stays written")
        for name, action in (("unchanged", "UPDATE"), ("kept", "DELETE"))
    ),
    Rule(
        "legal_clocks_unmoved",
        "legal_clocks",
        "UPDATE",
        "a legal clock never moves",
        columns=("case_id", "rule", "pack", "started_at", "due_at"),
    ),
    Rule("legal_clocks_kept", "legal_clocks", "DELETE", "a legal clock never moves"),
    Rule(
        "cases_answered",
        "cases",
        "UPDATE",
        "an ask of the customer is still open",
        columns=("status",),
        condition="NEW.status = 'closed' AND OLD.status <> 'closed'",
        query="EXISTS (SELECT 1 FROM asks WHERE case_id = NEW.id AND state = 'open')",
    ),
    Rule(
        "cases_timed",
        "cases",
        "INSERT",
        "",
        condition="NEW.status = 'open' AND NEW.owner_id IS NOT NULL",
        does="INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, NEW.opened_at)",
    ),
    Rule(
        "cases_timed_again",
        "cases",
        "UPDATE",
        "",
        columns=("owner_id", "status"),
        condition="NEW.status = 'open' AND NEW.owner_id IS NOT NULL"
        " AND (OLD.status <> 'open' OR OLD.owner_id IS NULL OR OLD.owner_id <> NEW.owner_id)",
        does="INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, 0) ON CONFLICT (case_id)"
        " DO UPDATE SET check_at = 0, told_at = NULL, exhausted_at = NULL",
    ),
    Rule(
        "cases_untimed",
        "cases",
        "UPDATE",
        "",
        columns=("status",),
        condition="NEW.status = 'closed' AND OLD.status <> 'closed'",
        does="DELETE FROM owner_timers WHERE case_id = NEW.id",
    ),
    Rule(
        "promises_kept_in_law",
        "promises",
        "UPDATE",
        "",
        columns=("state",),
        condition="NEW.state = 'kept' AND OLD.state = 'open' AND NEW.kind <> 'acknowledgement'",
        does="UPDATE legal_clocks SET state = 'kept', ended_at = NEW.ended_at"
        " WHERE case_id = NEW.case_id AND state = 'running'",
    ),
    Rule(
        "cases_ended_in_law",
        "cases",
        "UPDATE",
        "",
        columns=("status",),
        condition="NEW.status = 'closed' AND OLD.status <> 'closed' AND NEW.kind <> 'order'",
        does="UPDATE legal_clocks SET state = 'kept', ended_at = NEW.closed_at"
        " WHERE case_id = NEW.id AND state = 'running'",
    ),
    Rule(
        "promises_dated",
        "promises",
        "INSERT",
        "",
        condition="NEW.state = 'open'",
        does="UPDATE cases SET breaks_at = NEW.due_at WHERE id = NEW.case_id AND breaks_at > NEW.due_at",
    ),
    Rule("promises_redated", "promises", "UPDATE", "", columns=("case_id", "due_at", "state"), does=_REDATED),
    Rule("promises_taken_back", "promises", "DELETE", "", condition="OLD.state = 'open'", does=_UNDATED),
    Rule(
        "customers_unnamed",
        "customers",
        "UPDATE",
        "",
        columns=("name",),
        condition="NEW.name = ''",
        does="DELETE FROM customer_words WHERE customer_id = NEW.id",
    ),
    Rule(
        "cases_returned",
        "case_events",
        "INSERT",
        "",
        condition=f"NEW.kind IN {CAME_BACK}",
        does="UPDATE cases SET returned_at = NEW.at WHERE id = NEW.case_id"
        " AND (returned_at IS NULL OR returned_at < NEW.at)",
    ),
    Rule("absences_noticed", "absences", "INSERT", "", does=f"{_TIMERS_OF}NEW.person_id)"),
    Rule("absences_changed", "absences", "UPDATE", "", does=f"{_TIMERS_OF}NEW.person_id)"),
    Rule(
        "people_leaving",
        "people",
        "UPDATE",
        "",
        columns=("is_active",),
        condition="NOT NEW.is_active",
        does=f"{_TIMERS_OF}NEW.id)",
    ),
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


def _when(rule: Rule) -> str:
    return "AFTER" if rule.does else "BEFORE"


def _for_sqlite(rule: Rule) -> str:
    condition = " AND ".join(part for part in (rule.condition, rule.query) if part)
    when = f" WHEN {condition}" if condition else ""
    does = rule.does or f"SELECT RAISE(ABORT, '{rule.says}')"
    return f"CREATE TRIGGER {rule.name} {_when(rule)} {_event(rule)} ON {rule.table}{when} BEGIN {does}; END"


def _for_postgresql(rule: Rule) -> list[str]:
    """Return the function and the trigger; the error is of the class of integrity violations."""
    when = f" WHEN ({rule.condition})" if rule.condition else ""
    refuses = f"RAISE EXCEPTION '{rule.says}' USING ERRCODE = 'integrity_constraint_violation';"
    body = refuses
    if rule.query:
        # A trigger that returns nothing would undo what it lets through; of a row deleted only the old one is there.
        row = "OLD" if rule.action == "DELETE" else "NEW"
        body = f"IF {rule.query} THEN {refuses} END IF; RETURN {row};"
    elif rule.does:
        body = f"{rule.does}; RETURN NULL;"
    return [
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER {rule.name} {_when(rule)} {_event(rule)} ON {rule.table} "
        f"FOR EACH ROW{when} EXECUTE FUNCTION {rule.name}()",
    ]
