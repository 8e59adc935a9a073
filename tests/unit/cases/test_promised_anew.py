"""An answer that is promised later than its mail came is promised by the days of the owner's team, as any other."""

from datetime import timedelta

import pytest

from itaca.cases.actions import Action, AppendToCase, OpenCase
from itaca.cases.activities import Activity, hold_against
from itaca.cases.deadlines import Calendar
from itaca.cases.hours import read_hours
from itaca.cases.missed import missed_complaint
from itaca.cases.people import Team
from itaca.cases.policy import Policy
from itaca.cases.reviewed import reviewed_matters
from itaca.cases.splitting import Splitting, split_off
from itaca.contracts.ids import MailId
from itaca.contracts.intents import ActivityKind, CaseKind, Intent
from tests.support.case_facts import NOW, TEAM, cancellation, facts, judgement, known_case, person, roster, standing

POLICY = Policy()
SATURDAYS = Calendar(hours=read_hours("sat 9-12"))
PEOPLE = roster(person("agent"), teams=(Team(TEAM.id, TEAM.name, calendar=SATURDAYS),))
MAIL = facts(judgement("N", "Y"))
LATER = NOW + timedelta(days=40)
DUE = SATURDAYS.after_working_days(LATER, POLICY.answer_days)
FIRST, OPEN = standing(people=PEOPLE), standing(known_case(), people=PEOPLE)
SPLIT = Splitting((MailId("mail-1"),), CaseKind.COMPLAINT, moves=True)


def charged() -> AppendToCase:
    charge = Activity("billing", "1", ActivityKind.CHARGE, LATER, email="anna@posta.example")
    return hold_against(cancellation(), charge, 0, PEOPLE, POLICY, LATER)


@pytest.mark.parametrize(
    "action",
    [
        missed_complaint(MAIL, FIRST, POLICY, LATER),
        missed_complaint(MAIL, OPEN, POLICY, LATER),
        *reviewed_matters(MAIL, FIRST, POLICY, [Intent.COMPLAINT], LATER),
        *reviewed_matters(MAIL, OPEN, POLICY, [Intent.COMPLAINT], LATER),
        split_off(MAIL, FIRST, POLICY, SPLIT, LATER, "split off", is_protest=False),
        charged(),
    ],
    ids=["missed", "missed again", "reviewed", "reviewed again", "split", "charged"],
)
def test_a_team_that_works_on_saturdays_answers_on_one(action: Action) -> None:
    """What the audit, a person, a split or another system brought weeks later."""
    assert isinstance(action, OpenCase | AppendToCase)
    assert action.promise.due_at == DUE
