"""Companies of any shape, for rules that must hold for all of them."""

from hypothesis import strategies as st

from itaca.cases.people import Person, Roster, Team
from itaca.contracts.intents import CaseKind
from tests.support.case_facts import TEAM, person, roster

ORDERS = Team("orders", "orders", (CaseKind.ORDER,))
COMPLAINTS = Team("complaints", "complaints", (CaseKind.COMPLAINT,))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Any company: teams, languages, absences, people who left, leads in any shape, rings too."""
    teams = (TEAM, ORDERS, COMPLAINTS)
    names = [f"p{n}" for n in range(draw(st.integers(1, 7)))]
    people: list[Person] = []
    for name in names:
        lead = draw(st.sampled_from(["", *(n for n in names if n != name)]))
        more: dict[str, object] = {
            "team_id": draw(st.sampled_from([t.id for t in teams])),
            "languages": tuple(draw(st.lists(st.sampled_from(["it", "de", "fr"]), max_size=2))),
            "is_active": draw(st.booleans()),
            "is_present": draw(st.booleans()),
            "open_cases": draw(st.integers(0, 5)),
        }
        people.append(person(name, lead, **more))
    return roster(*people, teams=teams)
