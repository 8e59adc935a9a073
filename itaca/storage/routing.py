"""The one transaction of the router: readings, cases, promises, outbox, and the mails settled, or none of it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from itaca.cases.actions import Decision
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.events import Judgement
from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.mail.model import MailText
from itaca.storage.audit_samples import Drawing
from itaca.storage.departures import returned
from itaca.storage.effects import Effects
from itaca.storage.entries import Entries
from itaca.storage.followups import follow_up
from itaca.storage.moments import from_micros
from itaca.storage.people import load_roster
from itaca.storage.standing import Arrival, load_writers, lock_unsettled, lock_writers

Decide = Callable[[MailFacts, Standing], Decision]


@dataclass(frozen=True)
class Waiting:
    """A mail to be decided about: its judgement, or why a person must look without one."""

    mail_id: MailId
    judgement: Judgement | None
    review_reason: str = ""


@dataclass(frozen=True)
class Routed:
    """What a routing transaction did, for metrics and logs."""

    outcomes: dict[MailId, MailOutcome]
    opened: tuple[CaseKind, ...]
    already_settled: int


def route(
    conn: Connection,
    waiting: Sequence[Waiting],
    decide: Decide,
    now: datetime,
    today: date,
    rng: random.Random,
    settled_by: str,
    audit_per_month: float = 0.0,
    policy: Policy | None = None,
) -> Routed:
    """Settle the mails that are not settled yet; twice equals once.

    Args:
        decide: the pure decision; it is called once for each mail, in the order given.
        today: the company's day, for presence and for the one acknowledgement a day.
        settled_by: which stage did it, for the trace.
        audit_per_month: mails that nobody sees to be drawn in 30 days for a blind check.
        policy: by which legal clocks start and parkings end; by default that of any company.
    """
    received = lock_unsettled(conn, [w.mail_id for w in waiting])
    texts = {mail_id: arrival.text for mail_id, arrival in received.items() if arrival.text is not None}
    lock_writers(conn, texts.values())
    writers = load_writers(conn, list(texts.values()), load_roster(conn, today))
    entries = Entries(now, rng, settled_by)
    effects = Effects(conn, entries, writers, today, rng)
    drawing = Drawing(conn, entries, audit_per_month, rng)
    came_at = {mail_id: arrival.received_at for mail_id, arrival in received.items()}
    for item in waiting:
        arrival = received.pop(item.mail_id, None)
        if arrival is not None:
            mail = _facts(item, arrival)
            standing = writers.standing_of(mail)
            decision = decide(mail, standing)
            effects.apply(mail, standing, decision)
            drawing.consider(mail, decision)
    entries.write(conn)
    follow_up(conn, entries, texts, came_at, policy or Policy())
    returned(conn, texts.values(), now, rng, settled_by)
    return Routed(entries.outcomes, tuple(effects.opened), len(waiting) - len(entries.outcomes))


def _facts(item: Waiting, arrival: Arrival) -> MailFacts:
    return MailFacts(
        item.mail_id,
        from_micros(arrival.received_at),
        arrival.text or MailText(is_readable=False),
        item.judgement,
        item.review_reason or ("" if arrival.text else "the mail was never read"),
        arrival.delivered_to,
    )
