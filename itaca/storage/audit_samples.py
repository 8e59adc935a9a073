"""The standing audit in the ledger: mails drawn by chance, the next one to be checked, and what the checks say."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, exists, func, select

from itaca.cases.actions import Decision
from itaca.cases.elusion import Elusion
from itaca.cases.model import MailFacts
from itaca.cases.sampling import MONTH, Sampler, days_covered, is_unseen
from itaca.contracts.ids import MailId
from itaca.mail.model import MailText
from itaca.storage.entries import Entries
from itaca.storage.mails import load_texts
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import audit_samples, labels, people

WINDOW = timedelta(days=365)
"""Checks of mail drawn within this time count for the bound: older ones speak of other models and other customers."""
ALL = "all"
UNKNOWN = "unknown"


class Drawing:
    """The draw of one routing transaction; it asks the ledger only if there is a mail that may be drawn.

    Args:
        per_month: mails to be drawn in 30 days; 0 draws none.
    """

    def __init__(self, conn: Connection, entries: Entries, per_month: float, rng: random.Random) -> None:
        self._conn, self._entries = conn, entries
        self._per_month, self._rng = per_month, rng
        self._sampler: Sampler | None = None

    def consider(self, mail: MailFacts, decision: Decision) -> None:
        """Draw this mail, or leave it; what a person sees anyway is never drawn."""
        if self._per_month <= 0 or mail.judgement is None or not is_unseen(mail, decision):
            return
        if self._sampler is None:
            self._sampler = _sampler(self._conn, self._entries.now, self._per_month, self._rng)
        share = self._sampler.draw()
        if share is not None:
            self._entries.row(
                audit_samples,
                mail_id=mail.mail_id,
                drawn_at=self._entries.at,
                share=share,
                language=mail.text.language,
                model=mail.judgement.model,
            )


@dataclass(frozen=True)
class Sample:
    """A mail that waits for its blind check. It carries nothing of what a machine said about it."""

    mail_id: MailId
    drawn_at: datetime
    text: MailText


def next_sample(conn: Connection, by: str = "") -> Sample | None:
    """Return the mail that has waited longest for its check, None if none waits.

    With the address of a person in ``by``, mail that this person has labelled already is left to others: they
    know it, and perhaps what the machine said.
    """
    query = select(audit_samples.c.mail_id, audit_samples.c.drawn_at).where(audit_samples.c.checked_at.is_(None))
    if by:
        is_own = (labels.c.mail_id == audit_samples.c.mail_id) & (labels.c.person_id == people.c.id)
        query = query.where(~exists().where(is_own, people.c.email == by.lower()))
    row = conn.execute(query.order_by(audit_samples.c.drawn_at, audit_samples.c.mail_id).limit(1)).first()
    if row is None:
        return None
    mail_id = MailId(row.mail_id)
    text = load_texts(conn, [mail_id]).get(mail_id, MailText(is_readable=False))
    return Sample(mail_id, from_micros(row.drawn_at), text)


def elusion(conn: Connection, now: datetime, model: str = "") -> list[Elusion]:
    """Return the figures of each language of which mail was drawn, by name, and those of ``all`` at the end.

    Args:
        model: count only what this version of the model passed; empty for every one.
    """
    since = to_micros(now - WINDOW)
    is_checked = audit_samples.c.checked_at.is_not(None) & (audit_samples.c.drawn_at > since)
    waiting = _by_language(conn, _count(model).where(audit_samples.c.checked_at.is_(None)))
    checked = _by_language(conn, _count(model).where(is_checked))
    misses = _by_language(conn, _count(model).where(is_checked, audit_samples.c.is_complaint))
    languages = sorted(waiting.keys() | checked.keys())
    found = [Elusion(one, waiting[one], checked[one], misses[one]) for one in languages]
    return [*found, Elusion(ALL, waiting.total(), checked.total(), misses.total())]


def _count(model: str) -> Select[str, int]:
    query = select(audit_samples.c.language, func.count()).group_by(audit_samples.c.language)
    return query.where(audit_samples.c.model == model) if model else query


def _by_language(conn: Connection, query: Select[str, int]) -> Counter[str]:
    return Counter({language or UNKNOWN: count for language, count in conn.execute(query)})


def _sampler(conn: Connection, now: datetime, per_month: float, rng: random.Random) -> Sampler:
    """Estimate the traffic from what was drawn in the last 30 days: a few hundred entries of one index."""
    since = to_micros(now - MONTH)
    query = select(func.sum(1.0 / audit_samples.c.share), func.min(audit_samples.c.drawn_at))
    population, oldest = conn.execute(query.where(audit_samples.c.drawn_at > since)).one()
    covered = days_covered(None if oldest is None else from_micros(oldest), now)
    return Sampler(per_month, rng, float(population or 0.0), covered)
