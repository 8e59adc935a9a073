"""A customer who answers what we said last has not finished: the case is open again, with its owner and history."""

from collections.abc import Iterator

from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.contracts.intents import CaseKind
from itaca.mail.model import AutomaticKind

_KINDS = (CaseKind.COMPLAINT, CaseKind.CANCELLATION)
"""Orders are their system's, and a mail to decide about was decided."""


def reopened_case(mail: MailFacts, standing: Standing, *kinds: CaseKind) -> KnownCase | None:
    """Return the closed case that a person's reply opens again, if its writer may join it.

    A machine's reply opens nothing. Nor does one on a matter that is open in another case meanwhile: there is one
    open case for each customer, kind and matter.

    Args:
        kinds: which it may be of; none named: complaints and cancellations.
    """
    return next((case for case, open_now in _answered(mail, standing, kinds) if open_now is None), None)


def case_of_reply(mail: MailFacts, standing: Standing) -> KnownCase | None:
    """Return where a person's reply on a closed case belongs: where its matter is open now, else in that one."""
    return next((open_now or case for case, open_now in _answered(mail, standing)), None)


def _answered(
    mail: MailFacts, standing: Standing, kinds: tuple[CaseKind, ...] = ()
) -> Iterator[tuple[KnownCase, KnownCase | None]]:
    """Yield the closed cases that the mail answers, each with the open one that has taken its matter over."""
    if mail.text.automatic is not AutomaticKind.NONE:
        return
    open_now = {(case.kind, case.matter): case for case in standing.open_cases if case.is_open}
    for case in standing.linked:
        is_ours_to_open = not case.is_open and case.owner_id is not None and case.id in standing.verified
        if is_ours_to_open and case.kind in (kinds or _KINDS):
            yield case, open_now.get((case.kind, case.matter)) or standing.meanwhile.get(case.id)
