"""Cases that went on in another one, as the router must know them: by reference, matter and customer."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, or_, select

from itaca.cases.model import KnownCase
from itaca.contracts.intents import CaseKind
from itaca.storage.tables import cases, mergers

_JOINED = (CaseKind.COMPLAINT, CaseKind.CANCELLATION)


def former_cases(conn: Connection, known: Iterable[KnownCase]) -> Iterable[Row[Any]]:
    """Return the cases that were merged into one of these, and what became of those of these that are closed.

    Each with ``into_id``. Most mails meet neither, and ask nothing here.
    """
    ended, staying = [], []
    for case in known:
        if not case.is_open:
            ended.append(case.id)
        elif case.kind in _JOINED:
            staying.append(case.id)
    if not ended and not staying:
        return ()
    return conn.execute(_merged(), {"ended": ended, "staying": staying}).all()


@cache
def _merged() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    ended = mergers.c.case_id.in_(bindparam("ended", expanding=True))
    staying = mergers.c.into_id.in_(bindparam("staying", expanding=True))
    return select(cases, mergers.c.into_id).join(mergers, mergers.c.case_id == cases.c.id).where(or_(ended, staying))
