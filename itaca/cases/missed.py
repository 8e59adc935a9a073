"""A complaint that the machine passed over and a person found: the matter it should have had from the beginning."""

from dataclasses import replace
from datetime import datetime

from itaca.cases.actions import AppendToCase, OpenCase
from itaca.cases.matters import matter_actions, promised_anew
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.intents import Intent

FOUND = "found by the standing audit"


def missed_complaint(mail: MailFacts, standing: Standing, policy: Policy, now: datetime) -> OpenCase | AppendToCase:
    """Return what routing would have done with this complaint: a case, or one more contact on an open one.

    The answer is promised from now on: a date reckoned from the mail's arrival would be broken before anybody could
    keep it.

    Raises:
        TransientError: nobody can own a case (no active person).
    """
    (action,) = matter_actions(mail, standing, policy, (Intent.COMPLAINT,))
    if not isinstance(action, OpenCase | AppendToCase):  # pragma: no cover - a complaint is never a mere link
        raise TypeError("a complaint must open or join a case")
    promise = promised_anew(action, standing, policy, now)
    return replace(action, promise=promise, reasons=(FOUND, *action.reasons))
