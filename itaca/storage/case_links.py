"""Mails and their files in more than one case: linked, copied, moved; and where a merged case goes on."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from itaca.contracts.ids import CaseId, MailId
from itaca.storage.conditions import is_open_case
from itaca.storage.mails import load_texts
from itaca.storage.tables import case_mails, cases, evidence, interactions, mergers
from itaca.storage.upsert import insert_new

_COUNTS = ("opened", "appended")


def surviving(conn: Connection, case_id: CaseId) -> CaseId:
    """Return the case in which this one goes on: itself, unless it was merged."""
    into = conn.scalar(select(mergers.c.into_id).where(mergers.c.case_id == case_id))
    return CaseId(into) if into else case_id


def open_instead(conn: Connection, case_id: CaseId) -> CaseId:
    """Return the open case of the same customer, kind and matter; this one, open or not, where there is none."""
    this = cases.alias()
    same = (cases.c.customer_id == this.c.customer_id) & (cases.c.kind == this.c.kind)
    same &= cases.c.matter == this.c.matter
    found = conn.scalar(select(cases.c.id).join(this, same).where(this.c.id == case_id).where(is_open_case()))
    return CaseId(found) if found else case_id


def goes_on_in(conn: Connection, case_id: CaseId) -> str:
    """Return the reference of the case in which a merged one goes on; empty if it was not merged."""
    into = select(cases.c.reference).join(mergers, mergers.c.into_id == cases.c.id)
    return conn.scalar(into.where(mergers.c.case_id == case_id)) or ""


def mails_of(conn: Connection, case_id: CaseId) -> dict[MailId, str]:
    """Return the mails of a case with their roles."""
    query = select(case_mails.c.mail_id, case_mails.c.role).where(case_mails.c.case_id == case_id)
    return {MailId(row.mail_id): row.role for row in conn.execute(query.order_by(case_mails.c.mail_id))}


def counted(links: dict[MailId, str]) -> set[MailId]:
    """Return those of the mails that are contacts of the customer."""
    return {mail_id for mail_id, role in links.items() if role in _COUNTS}


def link(conn: Connection, case_id: CaseId, links: Iterable[tuple[MailId, str]]) -> None:
    """Let mails stand in a case, each with its files as evidence; those that stand there stay as they are."""
    roles = dict(links)
    if not roles:
        return
    rows = [{"case_id": case_id, "mail_id": mail_id, "role": role} for mail_id, role in roles.items()]
    conn.execute(insert_new(conn, case_mails, key=("case_id", "mail_id")), rows)
    files = _files(conn, case_id, list(roles))
    if files:
        conn.execute(insert_new(conn, evidence, key=("case_id", "mail_id", "position")), files)


def unlink(conn: Connection, case_id: CaseId, mail_ids: Collection[MailId]) -> None:
    """Take mails out of a case, with their files; they stay in the ledger and in their other cases."""
    for table in (evidence, case_mails):
        conn.execute(delete(table).where(table.c.case_id == case_id, table.c.mail_id.in_(mail_ids)))


def unlink_beside(conn: Connection, case_id: CaseId, mail_id: MailId) -> None:
    """Remove the looser link of a mail that stood beside a case and is to join it; the history keeps it."""
    beside = (case_mails.c.case_id == case_id) & (case_mails.c.mail_id == mail_id)
    conn.execute(delete(case_mails).where(beside, case_mails.c.role.not_in(_COUNTS)))


def carry_interactions(
    conn: Connection, from_case: CaseId, to_case: CaseId, customer_id: str, mail_ids: Collection[MailId] | None = None
) -> None:
    """Let what was said be part of another case: everything, or what these mails said."""
    mine = update(interactions).where(interactions.c.customer_id == customer_id, interactions.c.case_id == from_case)
    if mail_ids is not None:
        mine = mine.where(interactions.c.mail_id.in_(mail_ids))
    conn.execute(mine.values(case_id=to_case))


def _files(conn: Connection, case_id: CaseId, mail_ids: Sequence[MailId]) -> list[dict[str, Any]]:
    return [
        {
            "case_id": case_id,
            "mail_id": mail_id,
            "position": position,
            "name": file.name,
            "content_type": file.content_type,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
        }
        for mail_id, text in load_texts(conn, mail_ids).items()
        for position, file in enumerate(text.attachments)
    ]
