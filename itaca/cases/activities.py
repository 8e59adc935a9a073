"""What other systems did, held against what customers cancelled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from itaca.cases.actions import AppendToCase, NewPromise
from itaca.cases.escalation import capped, reached_by_contact
from itaca.cases.model import KnownCase
from itaca.cases.people import Roster
from itaca.cases.policy import Policy
from itaca.cases.severity import Contact, assess
from itaca.contracts.intents import ActivityKind, CaseKind, PromiseKind

FIRST_CONTACT = 1


@dataclass(frozen=True)
class Activity:
    """A charge, shipment or mailing that happened. ``(system, external_id)`` names it for ever.

    At least one of the last three says whom it was done to; ``contract`` narrows it to one contract.
    """

    system: str
    external_id: str
    kind: ActivityKind
    happened_at: datetime
    email: str = ""
    customer: str = ""
    contract: str = ""
    description: str = ""
    amount: str = ""

    @property
    def says(self) -> str:
        """Return it as its reader in the history wants it."""
        what = " ".join(part for part in (self.kind.value, self.amount, self.description) if part)
        return f"{what} on {self.happened_at:%Y-%m-%d}, reported by {self.system} as {self.external_id}"


def normalised_code(code: str) -> str:
    """Return a customer code or contract number as the ledger keeps those found in mails."""
    return re.sub(r"\s+", "", code).upper()


def find_violated(activity: Activity, cancelled: Sequence[KnownCase]) -> KnownCase | None:
    """Return the cancellation that the activity violates: of its contract, or one that names no contract.

    An activity that names no contract may have been done to any: it goes to the owner of the newest, who can tell.
    """
    in_force = [case for case in cancelled if case.holds_at(activity.happened_at)]
    contract = normalised_code(activity.contract)
    by_contract = [case for case in in_force if contract and case.matter == contract]
    fitting = by_contract or [case for case in in_force if not contract or not case.matter]
    if not fitting:
        return None
    violated = fitting[-1]
    still_open = [case for case in cancelled if case.is_open and case.matter == violated.matter]
    return still_open[-1] if still_open else violated


def hold_against(
    case: KnownCase, activity: Activity, violations: int, roster: Roster, policy: Policy, now: datetime
) -> AppendToCase:
    """Return what the activity does to the case: open again, one level higher, its answer promised.

    While nobody has answered the first violation, further ones add their evidence and make it no louder: a list of
    a year's charges is one reason to be told, not twelve.
    """
    is_louder = not case.is_open or violations == 0
    severity = assess(Contact(FIRST_CONTACT, is_violation=is_louder), case.level, case.severity)
    owner = case.owner_id
    level = capped(roster, owner, severity.level) if owner else severity.level
    return AppendToCase(
        case.id,
        severity.score,
        max(level, case.level),
        (activity.says, *severity.reasons),
        NewPromise(PromiseKind.ANSWER, policy.due(CaseKind.COMPLAINT, now, roster.calendar_of(owner))),
        counts=False,
        reopens=not case.is_open,
        is_violation=True,
        notify=reached_by_contact(roster, owner, case.level, level) if owner else (),
    )
