"""Why something could not be done, in words that a person can act on."""

from itaca.errors import PermanentError
from itaca.storage.case_acts import NotYoursError, StaleError
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
    # People and teams.
    N_("nobody leads themselves"),
    N_("the chain would run in a circle: this person is led by the other one"),
    N_("the last admin stays one"),
    N_("somebody must stay: nobody else could answer for cases"),
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
_RULE = N_("A rule forbids it. Nothing was changed.")


def problem_words(error: PermanentError, words: Words) -> str:
    """Return what to tell the person who tried."""
    if isinstance(error, StaleError | OutdatedError):
        return words.say(_STALE)
    if isinstance(error, NotYoursError):
        return words.say(_NOT_YOURS)
    text = str(error)
    if text.startswith("asks of the customer"):
        return words.say(_ASKED)
    if text not in _KNOWN:
        return words.say(_RULE)
    said = words.say(text)
    return f"{said[:1].upper()}{said[1:]}."
