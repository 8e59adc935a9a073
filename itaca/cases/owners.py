"""Who owns a new case: by team, language, presence and load; never nobody."""

from itaca.cases.people import Person, Roster
from itaca.contracts.intents import CaseKind
from itaca.errors import TransientError


def choose_owner(roster: Roster, kind: CaseKind, language: str) -> Person:
    """Return the person who fits best.

    In this order of weight: at work today, in a team that handles the kind, speaking the language (an unknown one
    excludes nobody), leading nobody (a lead owns a case only when nobody else fits), with somebody above (so that
    a broken promise has somewhere to go), with the fewest open cases; ties go to the oldest entry. How long the
    chain above is does not count: it would give every case to the deepest team. A wish that nobody fulfils is
    dropped, from the last to the first, so that there is always somebody while anybody is active.

    Raises:
        TransientError: no active person exists; the mail waits until ``itaca people add`` was called.
    """
    people = roster.active()
    if not people:
        raise TransientError("nobody can own a case: add a person with `itaca people add`")
    leads = roster.leads()

    def rank(person: Person) -> tuple[bool, bool, bool, bool, bool, int, str]:
        return (
            not person.is_present,
            not roster.teams[person.team_id].handles(kind),
            bool(language and person.languages) and language not in person.languages,
            person.id in leads,
            len(roster.chain(person.id)) == 1,
            person.open_cases,
            person.id,
        )

    return min(people, key=rank)
