"""A mail that a person decided about: the matters it should have, as if the machine had been sure."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from itaca.cases.actions import Action, AppendToCase, OpenCase
from itaca.cases.matters import matter_actions
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.intents import CaseKind, Intent

FOUND = "found by a person"


def reviewed_matters(
    mail: MailFacts, standing: Standing, policy: Policy, intents: Collection[Intent], now: datetime
) -> tuple[Action, ...]:
    """Return one action for each intent that a person saw in the mail; a date already past is promised anew.

    Raises:
        TransientError: nobody can own a case (no active person).
    """
    wanted = [intent for intent in Intent if intent in intents]
    return tuple(_said(action, policy, now) for action in matter_actions(mail, standing, policy, wanted))


def _said(action: Action, policy: Policy, now: datetime) -> Action:
    if not isinstance(action, OpenCase | AppendToCase):  # pragma: no cover - an intent is never a mere link
        return action
    due_at = action.promise.due_at
    if due_at <= now:
        due_at = policy.due(action.kind if isinstance(action, OpenCase) else CaseKind.COMPLAINT, now)
    promise = replace(action.promise, due_at=due_at)
    return replace(action, promise=promise, reasons=(FOUND, *action.reasons))
