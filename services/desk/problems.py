"""Why something could not be done, in words that a person can act on."""

import re

from itaca.errors import PermanentError
from itaca.storage.case_acts import NotYoursError, StaleError
from itaca.storage.case_merging import OTHER_IS_NOT_YOURS
from itaca.storage.staff import OutdatedError
from services.desk.names import N_
from services.desk.words import Words

_KNOWN = (
    N_("the case is closed"),
    N_("an end needs its evidence: say what proves it"),
    N_("an answer needs a subject and a text"),
    N_("an answer closes the case, or names a date by which somebody comes back"),
    N_("a promise is for the future"),
    N_("a promise says what will be done, by a date to come"),
    N_("a promise is kept by something: say what proves it"),
    N_("close the case, or promise what comes next"),
    N_("this address is not known as the customer's"),
    N_("nobody active has this id"),
    # Merge and split.
    N_("a cancellation keeps its own case until it has really happened: merge the complaint into the cancellation"),
    N_("an order keeps its own case: see that it is confirmed, or close it"),
    N_("a case goes on in a complaint or a cancellation: choose one of these"),
    N_("no open case has this reference"),
    N_("a case cannot be merged into itself"),
    N_("the other case is another customer's: if both are the same person, say so and how you know"),
    N_("choose the mails of the customer that are about something else"),
    N_("the mail that opened the case stays in it: let it raise the other matter beside, or choose later ones"),
    N_("this mail has opened a case of this kind already: a second one needs another mail"),
    N_("the customer has such a case already: say which order or contract this one is about"),
    # Taking back.
    N_("it is too late to take that back, or something came in between: look at the history"),
    N_("it has left already and cannot be taken back"),
    N_("another case on the same matter was opened meanwhile"),
    # Putting aside, and what the law says.
    N_("say who has the next move"),
    N_("the case is not put aside"),
    N_("the case is parked already"),
    N_("nothing is promised in this case whose date may be moved"),
    N_("the promised date has passed: parking does not mend that"),
    N_("a case is parked until a later moment"),
    N_("the legal term ends before that, and nothing stops it"),
    N_("this legal term runs already"),
    # Files of answers.
    N_("too many files for one answer"),
    N_("the files are too large for one answer"),
    N_("a file that was chosen is not among those of this case"),
    # People and teams.
    N_("nobody leads themselves"),
    N_("the chain would run in a circle: this person is led by the other one"),
    N_("the last admin stays one"),
    N_("somebody must stay: nobody else could answer for cases"),
    N_("nobody who administers could sign in by a password while the company's account is away"),
    N_("there is an absence on some of these days already: strike it first"),
    N_("the last day must not come before the first"),
    N_("somebody else has this address"),
    N_("a name and an address are needed"),
    N_("there is no such team"),
    N_("another team has this name"),
    N_("a team needs a name"),
)
_STALE = N_("Something changed while you were writing: see below. Your words are still here; look, then send again.")
_NOT_YOURS = N_("This case belongs to somebody else. Take it first; your words are still here.")
_ASKED = N_("The customer asked something that is still open. Tick what your answer settles, or come back by a date.")
_OTHER_NOT_YOURS = N_("The other case belongs to somebody else: take that one first, or hand this one over.")
_LONGEST = N_("A case is put aside for %(days)s days at most.")
_DAYS = re.compile(r"a case is parked for (?P<days>\d+) days at most")
_RULE = N_("A rule forbids it. Nothing was changed.")


def problem_words(error: PermanentError, words: Words) -> str:
    """Return what to tell the person who tried."""
    if isinstance(error, StaleError | OutdatedError):
        return words.say(_STALE)
    text = str(error)
    if isinstance(error, NotYoursError):
        return words.say(_OTHER_NOT_YOURS if text == OTHER_IS_NOT_YOURS else _NOT_YOURS)
    if too_long := _DAYS.fullmatch(text):
        return words.say(_LONGEST, days=too_long["days"])
    if text.startswith("asks of the customer"):
        return words.say(_ASKED)
    if text not in _KNOWN:
        return words.say(_RULE)
    said = words.say(text)
    return f"{said[:1].upper()}{said[1:]}."
