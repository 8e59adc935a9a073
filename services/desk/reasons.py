"""The reasons that the ledger keeps in English, said in the reader's language."""

import re
from collections.abc import Callable

from services.desk.names import N_

_FIXED = (
    N_("something happened after the cancellation took effect"),
    N_("written in capitals"),
    N_("names a lawyer or legal steps"),
    N_("names a regulator or an ombudsman"),
    N_("names a consumer association"),
    N_("names the press or television"),
    N_("speaks of an earlier cancellation"),
    N_("a reply on this case"),
    N_("a reply on another customer's open case: the writer is not verified"),
    N_("refers to this case"),
    N_("refers to this case; the writer is not verified"),
    N_("nothing but thanks: the case stays closed"),
    N_("a delivery report on mail about this case"),
    N_("a receipt for mail about this case"),
    N_("automatic mail about this case"),
    N_("the mail could not be read"),
    N_("the mail was never read"),
    N_("nobody has judged the mail"),
    N_("the machine asks for a person"),
    N_("found by the standing audit"),
    N_("found by a person"),
    N_("mail has changed since the model began its work, and this might be a complaint"),
    N_("the order system is silent"),
    N_("waiting for the customer"),
    N_("waiting for a supplier or a carrier"),
    N_("waiting for another department"),
    N_("waiting for an expert or an authority"),
    N_("taken up again"),
    N_("the customer wrote"),
    N_("its day has come"),
    N_("merged with another case"),
    N_("taken back: it stays where it was"),
    N_("answer written at the desk"),
    N_("a person read it: it asks nothing of us"),
    N_("a person read it: it is an order"),
    N_("confirmed by the exchange outcomes"),
    N_("taken by the mail server"),
    N_("written to the outbox folder"),
    N_("no text that a model could judge"),
    N_("the name of the webhook's host is not resolved"),
    N_("the webhook leads to an address that no setting allows"),
    N_("the secret of the webhook cannot be opened: see ITACA_SECRET_KEY"),
    N_("its receiver answered 410 Gone"),
    N_("ended by hand"),
    N_("many invisible characters: somebody hides words"),
    N_("most of its words are unknown to the model: another language, or no language at all"),
)
_OR = N_(" or ")
_INTENT_NAMES = {"order": N_("an order"), "complaint": N_("a complaint"), "cancellation": N_("a cancellation")}
_UNSURE = N_("the machine is not sure whether it is %(intents)s")
_PATTERNS = (
    (r"(?P<number>\d+) mails are unaccounted for", N_("%(number)s mails are unaccounted for")),
    (r"(?P<number>\d+) mails are overdue", N_("%(number)s mails have waited too long")),
    (r"(?P<number>\d+) open cases have no owner", N_("%(number)s open cases have no owner")),
    (r"(?P<number>\d+) open promises have no date", N_("%(number)s open promises have no date")),
    (r"(?P<number>\d+) open cases have no open promise", N_("%(number)s open cases promise nothing")),
    (r"contact number (?P<number>\d+) on this matter", N_("contact number %(number)s on this matter")),
    (r"split off from (?P<reference>\S+)", N_("opened from %(reference)s")),
    (
        r"the machine is not sure about: (?P<intents>[a-z, ]+)",
        N_("the machine is not sure whether it is %(intents)s"),
    ),
    (r"the model is not sure about (?P<intents>[a-z]+)", _UNSURE),
    (
        r"with the quoted text it looks like (?P<intents>[a-z]+), without it does not",
        N_("only the quoted text makes it look like %(intents)s"),
    ),
    (
        r"too few labelled mails in language (?P<language>\w+).*",
        N_("too few known mails in this language (%(language)s) to rule a complaint out"),
    ),
    (
        r"the model does not know the language (?P<language>\w+)",
        N_("the machine does not know this language (%(language)s)"),
    ),
    (
        r"the customer says that it was cancelled by (?P<date>\d{4}-\d\d-\d\d)",
        N_("the customer says that it was cancelled by %(date)s"),
    ),
    (r"ended by (?P<who>.+)", N_("ended by %(who)s")),
    (r"the webhook answered (?P<status>\d+)", N_("it did not take it")),
    (
        r"the webhook answered (?P<status>\d+); nobody is followed elsewhere",
        N_("it points elsewhere, and nobody is followed elsewhere"),
    ),
    (r"the webhook does not answer \((Connect|Read|Write|Pool)Timeout\)", N_("it did not answer in time")),
    (r"the webhook does not answer \(ConnectError\)", N_("it cannot be reached")),
    (r"the webhook does not answer \(\w+\)", N_("the connection broke off")),
    (r"no usable model: .*", N_("the machine has no model that it may use")),
    (r"words may be hidden: .*", N_("the mail may hold words that could not be read")),
    (r"the mail could not be read in \d+ attempts", N_("the mail could not be read")),
    (
        r"the classifier has not answered for (?P<number>\d+) minutes",
        N_("nobody has judged the mail for %(number)s minutes"),
    ),
)


def translate_reason(text: str, gettext: Callable[[str], str]) -> str:
    """Return the reason in the language of ``gettext``; what nobody foresaw stays as it is."""
    whole = _one(text.strip(), gettext)
    if whole is not None:
        return whole
    parts = [part.strip() for part in text.split("; ") if part.strip()]
    return "; ".join(_one(part, gettext) or part for part in parts)


def _one(text: str, gettext: Callable[[str], str]) -> str | None:
    if text in _FIXED:
        return gettext(text)
    for pattern, said in _PATTERNS:
        match = re.fullmatch(pattern, text)
        if match:
            values = {name: _value(name, value, gettext) for name, value in match.groupdict().items()}
            return gettext(said) % values if values else gettext(said)
    return None


def _value(name: str, value: str, gettext: Callable[[str], str]) -> str:
    if name == "date":
        return "/".join(str(int(part)) for part in reversed(value.split("-")))
    if name != "intents":
        return value
    said = [gettext(_INTENT_NAMES[i]) if i in _INTENT_NAMES else i for i in value.split(", ")]
    return gettext(_OR).join(said)
