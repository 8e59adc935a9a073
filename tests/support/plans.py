"""What a piece of work sends to SQLite, and by which plans it is answered."""

from collections.abc import Callable

from sqlalchemy import Connection, event

from itaca.errors import PermanentError


def sent_by(connection: Connection, work: Callable[[Connection], object]) -> list[tuple[str, object]]:
    """Run the work and return each statement it sent, with its parameters."""
    sent: list[tuple[str, object]] = []

    def note(_c, _cursor, statement, parameters, _context, is_many):  # type: ignore[no-untyped-def]
        sent.append((statement, parameters[0] if is_many else parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        work(connection)
    except PermanentError:
        pass
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return sent


def plans_of(connection: Connection, sent: list[tuple[str, object]]) -> list[str]:
    """Return the plan of each statement."""
    cursor = connection.connection.cursor()
    return [
        row[3]
        for statement, parameters in sent
        for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    ]
