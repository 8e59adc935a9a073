"""The page of one case, put together from the ledger; also after an act that was refused, with what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.closing import outcomes_for
from itaca.cases.roles import Right
from itaca.contracts.intents import Intent
from itaca.storage.answer_files import sent_files
from itaca.storage.asks import question_check
from itaca.storage.case_acts import Act
from itaca.storage.desk_case import (
    MOST_MAILS,
    CaseHead,
    Received,
    cancellation_of,
    case_files,
    case_head,
    case_history,
    case_promises,
    count_said,
    news_since,
    received_mails,
    sent_letters,
)
from itaca.storage.desk_lists import cases_of
from itaca.storage.desk_sessions import also_looking, look_at
from itaca.storage.erasure import erased_among
from itaca.storage.invitations import digest
from itaca.storage.legal_clocks import legal_lines
from itaca.storage.people import list_people
from services.desk.case_more import law_choices, more_of
from services.desk.conversation import bubbles, newest_of
from services.desk.desk import Desk
from services.desk.door import NotFoundError, Visitor
from services.desk.subjects import answer_subject
from services.desk.templates import templates_for

FEW = 20
"""Mails and letters that a case shows at first."""
KEYS = {Intent.ORDER: "o", Intent.COMPLAINT: "c", Intent.CANCELLATION: "k"}
"""One key for each intent, on the page of a case as in the review."""


@dataclass(frozen=True)
class Attempt:
    """An act that was refused or taken back: what was typed, why it was refused, and which version the person saw.

    ``had_files``: files had been chosen, and must be chosen again.
    """

    draft: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    version: int | None = None
    had_files: bool = False


async def show_case(
    desk: Desk, visitor: Visitor, reference: str, attempt: Attempt | None = None, done: str = "", shown: int = FEW
) -> Response:
    """Return the page of a case.

    Args:
        shown: how many of the newest mails and letters; the mail that opened the case stands before them.

    Raises:
        NotFoundError: no case has this reference.
    """
    attempt, shown = attempt or Attempt(), max(FEW, min(shown, MOST_MAILS))
    now = desk.clock.now()

    def work(conn: Connection) -> dict[str, Any] | None:
        head = case_head(conn, reference)
        return None if head is None else _load(conn, desk, head, visitor, attempt, now, shown)

    values = await desk.database.read(work)
    if values is None:
        raise NotFoundError("no case has this reference")
    head: CaseHead = values["case"]
    await desk.database.write(lambda conn: look_at(conn, [(digest(visitor.secret), head.reference)], now))
    values |= _answering(desk, visitor, head, values["received"])
    values |= {"visitor": visitor, "here": "cases", "attempt": attempt, "draft": attempt.draft, "done": done}
    values |= {"label_keys": KEYS, "first_day": tomorrow(desk).isoformat(), "likely_day": next_working_day(desk, now)}
    return desk.pages.page("case.html", visitor.language, values, 409 if attempt.problem else 200)


def _load(
    conn: Connection, desk: Desk, head: CaseHead, visitor: Visitor, attempt: Attempt, now: datetime, shown: int
) -> dict[str, Any]:
    received = received_mails(conn, head.id, shown)
    erased = erased_among(conn, [mail.mail_id for mail in received])
    files = [file for file in case_files(conn, head.id) if file.mail_id not in erased]
    history, sent = case_history(conn, head.id), sent_letters(conn, head.id, shown)
    left = sent_files(conn, [letter.outbox_id for letter in sent])
    talk = newest_of(bubbles(received, sent, files, left, head.addresses), shown)
    legal = legal_lines(conn, head.id, desk.policy.law)
    return more_of(conn, desk, visitor, head, received, now) | {
        "case": head,
        "received": received,
        "erased": erased,
        "bubbles": talk,
        "shown": shown,
        "earlier": _earlier(head, shown) if count_said(conn, head.id) > len(talk) else "",
        "files": files,
        "promises": case_promises(conn, head.id),
        "history": history,
        "reasons": [reason for event in history for reason in event.detail.get("reasons", [])],
        "news": news_since(conn, head.id, attempt.version) if attempt.version is not None else [],
        "asks": question_check(conn, head.id).asks,
        "legal": legal,
        "law_choices": law_choices(desk, received, legal),
        "cancellation": cancellation_of(conn, head.id),
        "others": [case for case in cases_of(conn, head.customer_id) if case.id != head.id],
        "colleagues": [one for one in list_people(conn) if one.is_active and one.id != head.owner_id],
        "looking": also_looking(conn, head.reference, visitor.id, now),
    }


def _earlier(head: CaseHead, shown: int) -> str:
    """Return where what is not shown stands: on a longer page, or in the customer's history."""
    return f"/cases/{head.reference}?shown={MOST_MAILS}" if shown < MOST_MAILS else f"/customers/{head.customer_id}"


def _answering(desk: Desk, visitor: Visitor, head: CaseHead, received: list[Received]) -> dict[str, Any]:
    """Return what the form of the answer begins with: the newest mail of the customer, its address, the templates."""
    contacts = [mail for mail in reversed(received) if mail.role in ("opened", "appended")]
    newest = contacts[0] if contacts else None
    # A call that somebody noted is called a call: the customer's thread has the subject of their last mail.
    subject = next((mail.text.subject for mail in contacts if mail.text.message_id), "")
    sender = newest.text.sender if newest else ""
    values = {
        "customer": head.customer if "@" not in head.customer else "",
        "person": visitor.account.name,
        "organisation": desk.shared.organisation,
        "reference": head.reference,
    }
    return {
        "answers": newest.mail_id if newest else "",
        "subject": answer_subject(subject or (newest.text.subject if newest else ""), head.reference),
        "recipient": sender if sender in head.addresses else "",
        "templates": templates_for(head.language, visitor.language, values),
        "outcomes": outcomes_for(head.kind),
        "is_mine": head.owner_id == visitor.id,
        "may_act": head.is_open and (head.owner_id == visitor.id or visitor.may(Right.ASSIGN)),
    }


async def act_on(desk: Desk, visitor: Visitor, reference: str, version: int) -> tuple[CaseHead, Act]:
    """Return the case and who acts on it, as the person saw it.

    Raises:
        NotFoundError: no case has this reference.
    """
    head = await desk.database.read(lambda conn: case_head(conn, reference))
    if head is None:
        raise NotFoundError("no case has this reference")
    anybodys, hold_s = visitor.may(Right.ASSIGN), desk.settings.undo_s
    return head, Act(head.id, visitor.id, version, desk.clock.now(), desk.rng, anybodys, hold_s)


def tomorrow(desk: Desk) -> date:
    """Return the first day that may be promised."""
    return desk.policy.calendar.today(desk.clock.now()) + timedelta(days=1)


def next_working_day(desk: Desk, now: datetime) -> str:
    """Return the day by which an answer is likely to be promised: the next one on which somebody works."""
    calendar = desk.policy.calendar
    return calendar.today(calendar.after_working_days(now, 1)).isoformat()


def end_of_day(desk: Desk, day: str) -> datetime | None:
    """Return the end of a promised day in the company's zone; None when it is no day."""
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime.combine(chosen, desk.closing_time, desk.policy.calendar.zone)
