"""Each intent that holds finds its matter: a new case, or one more contact on a case that is there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from itaca.cases.actions import Action, AppendToCase, NewPromise, OpenCase
from itaca.cases.cues import EARLIER_CANCELLATION, Cue, find_cues
from itaca.cases.deadlines import Calendar
from itaca.cases.escalation import capped, reached_by_contact
from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.cases.owners import choose_owner
from itaca.cases.policy import Policy, promise_kind
from itaca.cases.reopening import case_of_reply, reopened_case
from itaca.cases.severity import Contact, assess, is_in_capitals
from itaca.cases.stated import stated_cancellation
from itaca.contracts.intents import CaseKind, Intent, PromiseKind, Verdict
from itaca.mail.model import EntityKind

_KIND = {
    Intent.COMPLAINT: CaseKind.COMPLAINT,
    Intent.CANCELLATION: CaseKind.CANCELLATION,
    Intent.ORDER: CaseKind.ORDER,
}
_NUMBERS = (EntityKind.ORDER_NUMBER, EntityKind.CONTRACT_NUMBER)


def matter_actions(
    mail: MailFacts, standing: Standing, policy: Policy, intents: Sequence[Intent]
) -> tuple[Action, ...]:
    """Return one action for each intent, complaints first; a violated cancellation takes its protest with it."""
    cues = find_cues(f"{mail.text.subject}\n{mail.text.new_text}", mail.text.language, mail.foreign_addresses())
    actions: list[Action] = []
    left = list(intents)
    violated = _violated(mail, standing, cues, intents)
    if violated is not None:
        actions.append(_append(mail, standing, policy, violated, cues, is_violation=True))
        left = [intent for intent in left if intent is Intent.ORDER]
    for intent in sorted(left, key=(Intent.COMPLAINT, Intent.CANCELLATION, Intent.ORDER).index):
        kind = _KIND[intent]
        known = None if kind is CaseKind.ORDER else _same_matter(mail, standing, kind)
        if known is None and kind is CaseKind.COMPLAINT:
            known = reopened_case(mail, standing, kind)
        if known is None:
            opened = _open(mail, standing, policy, kind, cues)
            is_protest = kind is CaseKind.CANCELLATION and Intent.COMPLAINT in intents
            actions.append(_dated(opened, mail, policy) if is_protest else opened)
        else:
            actions.append(_append(mail, standing, policy, known, cues))
    return tuple(actions)


def open_review(mail: MailFacts, standing: Standing, policy: Policy, reason: str) -> OpenCase:
    """Return the case by which a person decides about this one mail."""
    return _open(mail, standing, policy, CaseKind.REVIEW, (), reasons=(reason,))


def open_matter(
    mail: MailFacts, standing: Standing, policy: Policy, kind: CaseKind, is_protest: bool, reasons: tuple[str, ...]
) -> OpenCase:
    """Return a case of its own for what a person saw in the mail, whatever else is open.

    Args:
        is_protest: the mail complains as well: a cancellation is dated as it says.
    """
    cues = find_cues(f"{mail.text.subject}\n{mail.text.new_text}", mail.text.language, mail.foreign_addresses())
    opened = _open(mail, standing, policy, kind, cues, reasons)
    return _dated(opened, mail, policy) if is_protest and kind is CaseKind.CANCELLATION else opened


def promised_anew(action: OpenCase | AppendToCase, standing: Standing, policy: Policy, now: datetime) -> NewPromise:
    """Return what the action promises, dated as if its mail had come now, by the calendar of the owner's team."""
    if isinstance(action, OpenCase):
        kind, owner = action.kind, action.owner_id
    else:
        known = (*standing.open_cases, *standing.cancellations, *standing.linked)
        kind, owner = CaseKind.COMPLAINT, next((case.owner_id for case in known if case.id == action.case_id), None)
    return replace(action.promise, due_at=policy.due(kind, now, standing.roster.calendar_of(owner)))


def join_thread(mail: MailFacts, standing: Standing, policy: Policy) -> AppendToCase | None:
    """Return the contact on a case with an owner that this mail answers, if its writer may join it.

    An open case goes first; then the one in which the matter of a closed one is open now; then a closed one, which is
    open again, and an answer is owed.
    """
    mine = (c for c in standing.linked if c.is_open and c.id in standing.verified and c.owner_id is not None)
    case = next(mine, None) or case_of_reply(mail, standing)
    if case is None or case.owner_id is None:
        return None
    kind = case.kind if case.is_open else CaseKind.COMPLAINT
    return AppendToCase(
        case.id,
        case.severity,
        case.level,
        ("a reply on this case",),
        _promise(policy, kind, mail, standing.roster.calendar_of(case.owner_id)),
        reopens=not case.is_open,
        counts=False,
        notify=reached_by_contact(standing.roster, case.owner_id, case.level, case.level),
    )


def _violated(
    mail: MailFacts, standing: Standing, cues: Sequence[Cue], intents: Sequence[Intent]
) -> KnownCase | None:
    """Return the cancellation that this protest is held against.

    Of several it is the one by whose number it goes, then the one that the mail answers, then the newest. A
    cancellation without a protest that names a number nobody cancelled is a new one. Once the watch is over, the
    customer may have come back since: then only a protest that says so in words is about the old one.
    """
    is_protest = Intent.COMPLAINT in intents
    if not is_protest and Intent.CANCELLATION not in intents:
        return None
    verdict = mail.judgement.verdicts.get(Intent.CANCELLATION) if mail.judgement else None
    says_so = any(c.name == EARLIER_CANCELLATION for c in cues)
    if not says_so and verdict not in (Verdict.YES, Verdict.UNSURE):
        return None
    in_force = [c for c in standing.cancellations if c.holds_at(mail.received_at)]
    watched = [c for c in in_force if (is_protest and says_so) or c.is_watched_at(mail.received_at)]
    numbers = _numbers(mail)
    by_number = [c for c in watched if c.matter in numbers]
    fitting = by_number or [c for c in watched if (is_protest and not c.matter) or not numbers]
    if not fitting:
        return None
    answered = {c.id for c in standing.linked if c.id in standing.verified}
    closed = ([c for c in fitting if c.id in answered] or fitting)[-1]
    still_open = [c for c in standing.cancellations if c.is_open and c.matter == closed.matter]
    return still_open[-1] if still_open else closed


def _same_matter(mail: MailFacts, standing: Standing, kind: CaseKind) -> KnownCase | None:
    """Return the open case of this kind that the mail belongs to: by thread, by number, or the only one there is."""
    own = [c for c in standing.open_cases if c.kind is kind and c.is_open]
    linked = {c.id for c in standing.linked if c.id in standing.verified}
    by_thread = [c for c in own if c.id in linked]
    if by_thread:
        return by_thread[-1]
    numbers = _numbers(mail)
    by_number = [c for c in own if c.matter in numbers]
    if by_number:
        return by_number[-1]
    unnumbered = [c for c in own if not c.matter or not numbers]
    return unnumbered[-1] if unnumbered else None


def _numbers(mail: MailFacts) -> list[str]:
    return [e.value for e in mail.text.entities if e.kind in _NUMBERS]


def _open(
    mail: MailFacts,
    standing: Standing,
    policy: Policy,
    kind: CaseKind,
    cues: Sequence[Cue],
    reasons: tuple[str, ...] = (),
) -> OpenCase:
    contact = Contact(1, () if kind is CaseKind.ORDER else cues, is_in_capitals(mail.text.new_text))
    severity = assess(contact)
    owner = None if kind is CaseKind.ORDER else choose_owner(standing.roster, kind, mail.text.language)
    promise = _promise(policy, kind, mail, standing.roster.calendar_of(owner.id if owner else None))
    is_cancellation = kind is CaseKind.CANCELLATION
    level = capped(standing.roster, owner.id, severity.level) if owner else 0
    return OpenCase(
        kind,
        _matter(mail, kind),
        owner.id if owner else None,
        severity.score,
        level,
        reasons + severity.reasons,
        promise,
        effective_at=promise.due_at if is_cancellation else None,
        watch_until=policy.watch_until(promise.due_at) if is_cancellation else None,
        notify=reached_by_contact(standing.roster, owner.id, -1, level) if owner else (),
    )


def _dated(action: OpenCase, mail: MailFacts, policy: Policy) -> OpenCase:
    """Return a cancellation dated as its protest says: "I cancelled in July and you still charge me".

    It holds from the end of the notice on that began then. Where that is past, its effect is owed as soon as the
    answer to a complaint, and its watch begins now.
    """
    text, zone = f"{mail.text.subject}\n\n{mail.text.new_text}", policy.calendar.zone
    stated = stated_cancellation(text, mail.text.language, mail.received_at, zone)
    if stated is None:
        return action
    effective_at = policy.due(CaseKind.CANCELLATION, stated)
    is_past = effective_at <= mail.received_at
    due_at = policy.due(CaseKind.COMPLAINT, mail.received_at) if is_past else effective_at
    says = f"the customer says that it was cancelled by {stated.astimezone(zone):%Y-%m-%d}"
    return replace(
        action,
        reasons=(says, *action.reasons),
        promise=replace(action.promise, due_at=due_at),
        effective_at=effective_at,
        watch_until=policy.watch_until(max(effective_at, mail.received_at)),
        requested_at=stated,
    )


def _append(
    mail: MailFacts,
    standing: Standing,
    policy: Policy,
    case: KnownCase,
    cues: Sequence[Cue],
    is_violation: bool = False,
) -> AppendToCase:
    contact = Contact(case.contacts + 1, cues, is_in_capitals(mail.text.new_text), is_violation)
    severity = assess(contact, case.level, case.severity)
    roster, owner_id = standing.roster, case.owner_id
    level = capped(roster, owner_id, severity.level) if owner_id else severity.level
    return AppendToCase(
        case.id,
        severity.score,
        level,
        severity.reasons,
        NewPromise(
            PromiseKind.ANSWER, policy.due(CaseKind.COMPLAINT, mail.received_at, roster.calendar_of(owner_id))
        ),
        reopens=not case.is_open,
        is_violation=is_violation,
        notify=reached_by_contact(roster, owner_id, case.level, level) if owner_id else (),
    )


def _matter(mail: MailFacts, kind: CaseKind) -> str:
    """Orders and reviews are one for each mail; the others go by the order or contract number, if any is named."""
    if kind in (CaseKind.ORDER, CaseKind.REVIEW):
        return mail.mail_id
    return next(iter(_numbers(mail)), "")


def _promise(policy: Policy, kind: CaseKind, mail: MailFacts, team: Calendar | None) -> NewPromise:
    return NewPromise(promise_kind(kind), policy.due(kind, mail.received_at, team))
