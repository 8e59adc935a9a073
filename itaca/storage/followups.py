"""What a mail that opens or joins a case brings with it: its asks, its legal clock, the end of a parking.

A cancellation that is opened with a date in the past brings what was charged and sent since."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from itaca.cases.asks import find_asks
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import MailText
from itaca.storage import tables
from itaca.storage.entries import Entries
from itaca.storage.legal_clocks import start_clock
from itaca.storage.moments import from_micros
from itaca.storage.parkings import resume
from itaca.storage.upsert import insert_into
from itaca.storage.violations import hold_opened

_PEOPLE_ANSWER = (CaseKind.COMPLAINT.value, CaseKind.CANCELLATION.value, CaseKind.REVIEW.value)


def follow_up(
    conn: Connection, entries: Entries, texts: dict[MailId, MailText], received: dict[MailId, int], policy: Policy
) -> None:
    """Write what follows from the cases and links that these entries have written.

    Args:
        received: when each mail came, in microseconds: the law counts from there.
    """
    opened = {row["id"]: row["kind"] for row in entries.rows(tables.cases)}
    joined = [row for row in entries.rows(tables.case_mails) if row["role"] in ("opened", "appended")]
    kinds = opened | _kinds(conn, [row["case_id"] for row in joined if row["case_id"] not in opened])
    violated = {(r["case_id"], r["mail_id"]) for r in entries.rows(tables.case_events) if r["kind"] == "violated"}
    asks: list[dict[str, Any]] = []
    for row in joined:
        case_id, mail_id, kind = CaseId(row["case_id"]), MailId(row["mail_id"]), kinds[row["case_id"]]
        if kind not in _PEOPLE_ANSWER:
            continue
        is_cancellation = kind == CaseKind.CANCELLATION.value
        asks += _asks(entries, case_id, mail_id, texts.get(mail_id), only_questions=is_cancellation)
        if row["role"] == "appended":
            resume(conn, case_id, policy, entries, "the customer wrote")
        matter = CaseKind.COMPLAINT.value if (case_id, mail_id) in violated else kind
        start_clock(
            conn, case_id, matter, from_micros(received[mail_id]), policy.law, entries, is_new=case_id in opened
        )
    if asks:
        conn.execute(insert_into(tables.asks), asks)
    hold_opened(conn, entries, policy)


def _kinds(conn: Connection, case_ids: Sequence[str]) -> dict[str, str]:
    if not case_ids:
        return {}
    cases = tables.cases
    rows = conn.execute(select(cases.c.id, cases.c.kind).where(cases.c.id.in_(case_ids)))
    return {row.id: row.kind for row in rows}


def _asks(
    entries: Entries, case_id: CaseId, mail_id: MailId, text: MailText | None, *, only_questions: bool
) -> list[dict[str, Any]]:
    found = find_asks(text.new_text, only_questions) if text else ()
    return [
        {"id": entries.new_id(), "case_id": case_id, "mail_id": mail_id, "asked_at": entries.at, "says": says}
        for says in found
    ]
