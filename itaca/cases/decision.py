"""The decision: a pure function from (mail, reading, customer, policy) to an outcome and its actions.

The order of the rules is the policy. Automatic mail is filed and never answered; what nobody could judge goes to
a person; then each intent that holds gets its own matter, so that an order never hides a complaint; what remains
unsure goes to a person unless a person already owns a case this mail joined, who then reads the doubt among the
reasons; a reply joins its case, and one by somebody we cannot verify goes to a person; nothing but thanks leaves a
closed case closed; the rest is noted.
"""

from dataclasses import replace

from itaca.cases.actions import Action, AppendToCase, Decision, LinkToCase, OpenCase, has_human_owner
from itaca.cases.matters import join_thread, matter_actions, open_review
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.cases.thanks import says_only_thanks
from itaca.contracts.events import Judgement
from itaca.contracts.intents import CaseKind, Intent, MailOutcome, Verdict
from itaca.mail.defects import is_serious, meaning
from itaca.mail.model import AutomaticKind

_REPORTS = (AutomaticKind.BOUNCE, AutomaticKind.RECEIPT)
_THANKS = "nothing but thanks: the case stays closed"


def decide(mail: MailFacts, standing: Standing, policy: Policy) -> Decision:
    """Return what becomes of one mail.

    Raises:
        TransientError: nobody can own a case (no active person); the mail waits.
    """
    if _is_filed(mail):
        return _file(mail, standing)
    reason = _unjudged(mail)
    if reason:
        return _finish(mail, standing, (open_review(mail, standing, policy, reason),), reason)
    actions = matter_actions(mail, standing, policy, _intents(mail, Verdict.YES))
    doubt = _doubt(mail)
    if not actions or (doubt and not has_human_owner(actions)):
        reply = join_thread(mail, standing, policy)
        if reply is not None and not (actions or doubt) and _is_thanks(mail, standing, reply):
            return _thanked(mail, standing, reply)
        doubt = doubt or ("" if reply else _doubt_about_writer(standing))
        if reply is not None:
            actions += (reply,)
        elif doubt:
            return _finish(mail, standing, (*actions, open_review(mail, standing, policy, doubt)), doubt)
    return _finish(mail, standing, _with_doubt(actions, doubt), doubt)


def _with_doubt(actions: tuple[Action, ...], doubt: str) -> tuple[Action, ...]:
    """Give the doubt to the first person who owns one of these matters."""
    if not doubt:
        return actions
    first = next(n for n, action in enumerate(actions) if has_human_owner((action,)))
    told = actions[first]
    if isinstance(told, LinkToCase):  # pragma: no cover - a link has no owner
        return actions
    return (*actions[:first], replace(told, reasons=(*told.reasons, doubt)), *actions[first + 1 :])


def _is_thanks(mail: MailFacts, standing: Standing, reply: AppendToCase) -> bool:
    """Say whether this reply, sure to be no order, complaint or cancellation, would open its case for mere thanks."""
    if not reply.reopens:
        return False
    owners = {case.owner_id for case in standing.linked if case.id == reply.case_id}
    return says_only_thanks(mail.text, [standing.roster.people[one].name for one in owners if one is not None])


def _thanked(mail: MailFacts, standing: Standing, reply: AppendToCase) -> Decision:
    links = tuple(
        replace(link, says=_THANKS) if link.case_id == reply.case_id else link for link in _related(standing, ())
    )
    return Decision(mail.mail_id, MailOutcome.NOTED, links, says=_THANKS)


def _doubt_about_writer(standing: Standing) -> str:
    is_strange = any(case.is_open and case.id not in standing.verified for case in standing.linked)
    return "a reply on another customer's open case: the writer is not verified" if is_strange else ""


def _is_filed(mail: MailFacts) -> bool:
    """Reports are always filed; other automatic mail only when nothing in it asks something of us.

    Web forms carry Auto-Submitted as well (losses LM17): replies are suppressed, content never.
    """
    kind = mail.text.automatic
    if kind in _REPORTS:
        return True
    if kind is AutomaticKind.NONE or mail.judgement is None:
        return False
    if Verdict.YES in mail.judgement.verdicts.values():
        return False
    return kind is not AutomaticKind.AUTO_GENERATED or not _doubt(mail)


def _file(mail: MailFacts, standing: Standing) -> Decision:
    says = {
        AutomaticKind.BOUNCE: "a delivery report on mail about this case",
        AutomaticKind.RECEIPT: "a receipt for mail about this case",
    }.get(mail.text.automatic, "automatic mail about this case")
    links = tuple(LinkToCase(case.id, "report", says) for case in standing.linked)
    return Decision(mail.mail_id, MailOutcome.FILED, links, says=f"automatic mail ({mail.text.automatic.value})")


def _unjudged(mail: MailFacts) -> str:
    if mail.review_reason:
        return mail.review_reason
    if not mail.text.is_readable:
        return "the mail could not be read"
    return "nobody has judged the mail" if mail.judgement is None else ""


def _judgement(mail: MailFacts) -> Judgement:
    if mail.judgement is None:  # pragma: no cover - decide() has sent such mail to a person
        raise ValueError("a mail without a judgement reached the rules for judged mail")
    return mail.judgement


def _intents(mail: MailFacts, verdict: Verdict) -> tuple[Intent, ...]:
    verdicts = _judgement(mail).verdicts
    return tuple(intent for intent in Intent if verdicts.get(intent) is verdict)


def _doubt(mail: MailFacts) -> str:
    judgement = _judgement(mail)
    if judgement.review_reasons:
        return "; ".join(judgement.review_reasons)
    unsure = _intents(mail, Verdict.UNSURE)
    if unsure:
        return "the machine is not sure about: " + ", ".join(unsure)
    hiding = [meaning(code) for code in mail.text.defects if is_serious(code)]
    if hiding:
        return "words may be hidden: " + "; ".join(hiding)
    return "the machine asks for a person" if judgement.needs_review else ""


def _finish(mail: MailFacts, standing: Standing, actions: tuple[Action, ...], doubt: str) -> Decision:
    related = _related(standing, actions)
    if not actions:
        return Decision(mail.mail_id, MailOutcome.NOTED, related, says="it asks nothing of us")
    only_review = all(isinstance(a, OpenCase) and a.kind is CaseKind.REVIEW for a in actions)
    return Decision(
        mail.mail_id,
        MailOutcome.REVIEW if only_review else MailOutcome.CASE,
        actions + related,
        acknowledges=bool(mail.text.reply_to_address) and mail.text.automatic is AutomaticKind.NONE,
        says=doubt or "judged",
    )


def _related(standing: Standing, actions: tuple[Action, ...]) -> tuple[LinkToCase, ...]:
    """Show the mail beside every case it refers to and did not join."""
    joined = {action.case_id for action in actions if isinstance(action, AppendToCase)}
    unverified = "refers to this case; the writer is not verified"
    return tuple(
        LinkToCase(case.id, "related", "refers to this case" if case.id in standing.verified else unverified)
        for case in standing.linked
        if case.id not in joined
    )
