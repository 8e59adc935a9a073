"""What the page of a case shows beside the conversation: what can be taken back, and what is behind *More*."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from itaca.cases.law.clock import LegalDate
from itaca.cases.merging import goes_into
from itaca.cases.splitting import KINDS
from itaca.storage.case_clocks import WAITS_FOR
from itaca.storage.case_links import goes_on_in
from itaca.storage.case_undoing import last_act
from itaca.storage.desk_case import CaseHead, Received
from itaca.storage.legal_clocks import LegalLine
from itaca.storage.parkings import parking_of
from services.desk.desk import Desk
from services.desk.door import Visitor

_CONTACTS = ("opened", "appended")


@dataclass(frozen=True)
class LawChoice:
    """A matter that the law of this company knows, and the term that it would start."""

    matter: str
    term: LegalDate


def more_of(
    conn: Connection, desk: Desk, visitor: Visitor, head: CaseHead, received: Sequence[Received], now: datetime
) -> dict[str, Any]:
    """Return what the page needs for it."""
    return {
        "undo": last_act(conn, head.id, visitor.id, now),
        "undo_s": round(desk.settings.undo_s),
        "goes_on_in": "" if head.is_open else goes_on_in(conn, head.id),
        "mergeable": [kind.value for kind in goes_into(head.kind)],
        "split_kinds": KINDS,
        "contacts": [mail for mail in received if mail.role in _CONTACTS],
        "parking": parking_of(conn, head.id),
        "waits_for": WAITS_FOR,
        "answer_limits": {"files": desk.settings.answer_files, "megabytes": desk.settings.answer_megabytes},
    }


def law_choices(desk: Desk, received: Sequence[Received], lines: Sequence[LegalLine]) -> list[LawChoice]:
    """Return the terms that could be started for this case, each with its source, but those that run."""
    opening = next((mail for mail in received if mail.role == "opened"), None)
    if opening is None:
        return []
    running = {line.rule for line in lines if line.state == "running"}
    law = desk.policy.law
    terms = [(matter, law.clock(matter, opening.received_at)) for matter in law.matters()]
    return [LawChoice(matter, term) for matter, term in terms if term is not None and term.rule.id not in running]
