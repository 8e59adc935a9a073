"""A mail that a person decided about: the matters it should have, as if the machine had been sure."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from itaca.cases.actions import Action, AppendToCase, OpenCase
from itaca.cases.matters import matter_actions, promised_anew
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.intents import Intent

FOUND = "found by a person"


def reviewed_matters(
    mail: MailFacts, standing: Standing, policy: Policy, intents: Collection[Intent], now: datetime
) -> tuple[Action, ...]:
    """Return one action for each intent that a person saw in the mail; a date already past is promised anew.

    Raises:
        TransientError: nobody can own a case (no active person).
    """
    wanted = [intent for intent in Intent if intent in intents]
    return tuple(_said(action, standing, policy, now) for action in matter_actions(mail, standing, policy, wanted))


def _said(action: Action, standing: Standing, policy: Policy, now: datetime) -> Action:
    if not isinstance(action, OpenCase | AppendToCase):  # pragma: no cover - an intent is never a mere link
        return action
    promise = action.promise
    if promise.due_at <= now:
        promise = promised_anew(action, standing, policy, now)
    return replace(action, promise=promise, reasons=(FOUND, *action.reasons))
