"""The draw of the standing audit: which mail nobody saw, and how large a share of it a person shall check blind."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from itaca.cases.actions import Decision, has_human_owner
from itaca.cases.model import MailFacts
from itaca.mail.model import AutomaticKind

MONTH = timedelta(days=30)
_LEAST = timedelta(days=1)
_MONTH_DAYS = MONTH / timedelta(days=1)
_REPORTS = (AutomaticKind.BOUNCE, AutomaticKind.RECEIPT)


def is_unseen(mail: MailFacts, decision: Decision) -> bool:
    """Say whether a machine's "no complaint" is the only answer this mail gets.

    What reaches a person needs no audit. Reports of other machines are filed by their form and not by a judgement;
    a wave of bounces would fill the sample with mail that nobody wrote.
    """
    if mail.judgement is None or mail.text.automatic in _REPORTS:
        return False
    return not has_human_owner(decision.actions)


@dataclass
class Sampler:
    """Draws mails so that about ``per_month`` in 30 days are drawn, whatever the traffic.

    Args:
        population: mails of this kind in the last 30 days, estimated: each mail that was drawn stands for as many
            as its share says (Horvitz and Thompson, 1952), so that what was not drawn need not be counted.
        days: the part of these 30 days that the estimate covers, at least one; the first day of a new ledger so
            draws a day's ration instead of a month's.
    """

    per_month: float
    rng: random.Random
    population: float = 0.0
    days: float = _LEAST / timedelta(days=1)

    def draw(self) -> float | None:
        """Count one more mail; return the share at which it was drawn, None if it was not.

        The share is the wanted number over the expected traffic of a month, and at most 1.
        """
        self.population += 1.0
        expected = self.population * _MONTH_DAYS / self.days
        share = min(1.0, self.per_month / expected)
        return share if share >= 1.0 or self.rng.random() < share else None


def days_covered(oldest: datetime | None, now: datetime) -> float:
    """Return the days that an estimate covers whose oldest drawn mail is this one; 1 to 30."""
    if oldest is None:
        return _LEAST / timedelta(days=1)
    return min(max(now - oldest, _LEAST), MONTH) / timedelta(days=1)
