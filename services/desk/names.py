"""What the closed sets of the ledger are called, in English; the catalogues hold the other languages."""


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Mark a text for translation where it is used later."""
    return text


NAMES = {
    # Kinds of case, and intents.
    "complaint": N_("Complaint"),
    "cancellation": N_("Cancellation"),
    "order": N_("Order"),
    "review": N_("Mail to decide"),
    "other": N_("None of these"),
    # How a case ended.
    "remedied": N_("Put right"),
    "answered": N_("Answered"),
    "rejected": N_("Rejected, with the reason"),
    "effected": N_("Cancellation carried out"),
    "ordered": N_("Order taken on"),
    "merged": N_("Continued in another case"),
    "not_a_matter": N_("Nothing to do"),
    # What is promised.
    "answer": N_("An answer"),
    "effect": N_("That the cancellation takes effect"),
    "acknowledgement": N_("That the order is confirmed"),
    "open": N_("open"),
    "kept": N_("kept"),
    "broken": N_("broken"),
    "closed": N_("closed"),
    # The history of a case.
    "opened": N_("Case opened"),
    "appended": N_("The customer wrote again"),
    "reopened": N_("The customer wrote again: open once more"),
    "violated": N_("Something happened after the cancellation"),
    "related": N_("A mail that refers to this case"),
    "report": N_("A delivery report or receipt"),
    "acknowledged": N_("Receipt sent to the customer"),
    "handed": N_("Handed to the system that carries it out"),
    "owner_given": N_("Given to a person"),
    "promise_broken": N_("Promise broken: the case goes up one level"),
    "promise_kept": N_("Promise kept"),
    "promised": N_("New date promised"),
    "taken": N_("Taken on"),
    "handed_over": N_("Handed over"),
    "replied": N_("Answer written"),
    "reply_sent": N_("Answer sent"),
    "reply_failed": N_("The answer could not be delivered"),
    "acknowledgement_failed": N_("The receipt could not be delivered"),
    "acknowledgement_unknown": N_("The receipt may not have been delivered"),
    "notice_failed": N_("A notice to a colleague could not be delivered"),
    "labelled": N_("Mail labelled"),
    "decided": N_("Mail decided"),
    "order_confirmed": N_("Order confirmed"),
    "effect_confirmed": N_("Its system confirms that it was carried out"),
    "withdrawn": N_("The customer has come back"),
    "ask_added": N_("A question of the customer noted"),
    "asks_ticked": N_("Questions answered"),
    "asks_promised": N_("Questions answered by a date"),
    "parked": N_("Put aside for a while"),
    "resumed": N_("Taken up again"),
    "owner_away": N_("Its owner is away"),
    "passed_on": N_("Passed on: its owner was silent"),
    "legal_matter": N_("What the law says about it chosen"),
    "legal_term_near": N_("The legal term runs out soon"),
    "legal_term_broken": N_("The legal term has run out"),
    "found_by_audit": N_("Found by the blind check"),
    # States of a cancellation.
    "requested": N_("requested"),
    "receipted": N_("receipt sent"),
    "watched": N_("carried out, under watch"),
    # What became of a mail.
    "case": N_("Cases"),
    "filed": N_("Filed (automatic mail)"),
    "noted": N_("Asks nothing of us"),
    "waiting": N_("No outcome yet"),
    # What becomes of what leaves.
    "pending": N_("waiting"),
    "sending": N_("on its way"),
    "sent": N_("sent"),
    "failed": N_("not delivered"),
    "unknown": N_("perhaps delivered"),
    # Roles, and what happens at the door.
    "agent": N_("Works on cases"),
    "lead": N_("Leads a team"),
    "ops": N_("Runs the machine"),
    "admin": N_("Administers"),
    "signed_in": N_("Signed in"),
    "signed_out": N_("Signed out"),
    "refused": N_("Sign-in refused"),
    "too_many": N_("Too many attempts"),
    "denied": N_("Access denied"),
    "forged": N_("A form that was not ours"),
    "invited": N_("Invited"),
    "password_set": N_("Password set"),
    "role_given": N_("Role changed"),
    # Stages of the flow.
    "ingest": N_("Acceptance"),
    "classifier": N_("Judgement"),
    "router": N_("Decision"),
    "courier": N_("Dispatch"),
    "watch": N_("Watch"),
}

LETTERS = {
    "acknowledgement": N_("Receipts to customers"),
    "reply": N_("Answers to customers"),
    "notice": N_("Notices to colleagues"),
    "order_handoff": N_("Orders to the order system"),
    "cancellation_handoff": N_("Cancellations to carry out"),
    "webhook": N_("Messages to other systems"),
    "daily_list": N_("Daily lists for the top of the chain"),
}
"""What leaves, by the kind of its outbox entry."""
