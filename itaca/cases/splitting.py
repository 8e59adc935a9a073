"""Mails of a case that become a case of their own: as if they had opened it, with dates that can still be kept."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from itaca.cases.actions import OpenCase
from itaca.cases.activities import normalised_code
from itaca.cases.escalation import capped, reached_by_contact
from itaca.cases.matters import open_matter, promised_anew
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.cases.severity import Contact, assess
from itaca.contracts.ids import MailId
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError

KINDS = (CaseKind.COMPLAINT, CaseKind.CANCELLATION, CaseKind.ORDER)
"""What a case may be that is split off."""
NO_MAIL = "choose the mails of the customer that are about something else"
OPENER_STAYS = "the mail that opened the case stays in it: let it raise the other matter beside, or choose later ones"


@dataclass(frozen=True)
class Splitting:
    """Which mails are about something else, and what. ``moves``: they leave the case; else they stay there as well.

    ``number``: the order or contract that it is about; empty: the one that the mail names.
    """

    mail_ids: tuple[MailId, ...]
    kind: CaseKind
    moves: bool
    number: str = ""


def check_split(splitting: Splitting, contacts: Collection[MailId], opened_by: MailId) -> None:
    """Refuse what would leave a case without its beginning, or open one about nothing.

    Args:
        contacts: the mails of the case that count as contacts of the customer.

    Raises:
        PermanentError: with what to do instead.
    """
    if not splitting.mail_ids or not set(splitting.mail_ids) <= set(contacts) or splitting.kind not in KINDS:
        raise PermanentError(NO_MAIL)
    if splitting.moves and opened_by in splitting.mail_ids:
        raise PermanentError(OPENER_STAYS)


def split_off(
    mail: MailFacts,
    standing: Standing,
    policy: Policy,
    splitting: Splitting,
    now: datetime,
    reason: str,
    is_protest: bool,
) -> OpenCase:
    """Return the case that these mails open, the first of which is ``mail``; a date already past is promised anew.

    Raises:
        TransientError: nobody can own a case (no active person).
    """
    opened = open_matter(mail, standing, policy, splitting.kind, is_protest, (reason,))
    if opened.promise.due_at <= now:
        opened = replace(opened, promise=promised_anew(opened, standing, policy, now))
    number = normalised_code(splitting.number)
    if number and splitting.kind is not CaseKind.ORDER:
        opened = replace(opened, matter=number)
    contacts = len(splitting.mail_ids)
    if contacts == 1 or opened.owner_id is None:
        return opened
    severity = assess(Contact(contacts), opened.level, opened.severity)
    level = capped(standing.roster, opened.owner_id, severity.level)
    notify = reached_by_contact(standing.roster, opened.owner_id, -1, level)
    reasons = (*opened.reasons, *severity.reasons)
    return replace(opened, severity=severity.score, level=level, reasons=reasons, notify=notify)
