"""The daily list to the top: which cases, how many more, and in whose language."""

import email
from datetime import UTC, datetime
from email.policy import default
from zoneinfo import ZoneInfo

import pytest

from itaca.contracts.ids import OutboxId
from services.courier.messages import Letters
from tests.support.case_facts import person
from tests.support.letter_facts import context, matter

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
LETTERS = Letters("Servizio Clienti", "", "", ZoneInfo("Europe/Rome"))


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("it", ["Casi che nessuno può più prendere: 31", "giovedì 12 marzo 2026", "e altri 30"]),
        ("en", ["Cases that nobody is left to take: 31", "Thursday, March 12, 2026", "and 30 more"]),
    ],
)
def test_a_list_names_its_cases_and_counts_the_rest(language: str, says: list[str]) -> None:
    """The reference, the date and the owner of each; nobody answers this mail."""
    about = context(matter())
    made = LETTERS.daily_list(OutboxId("entry"), person("head", languages=(language,)), 31, about, NOW)
    message = email.message_from_bytes(bytes(made), policy=default)
    found = message.get_body(("plain",))
    assert found is not None
    text = str(message["Subject"]) + str(found.get_content())
    assert [part for part in [*says, about.matters[0].reference] if part not in text] == []
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"].addresses[0].addr_spec == "head@shop.example"


@pytest.mark.parametrize("event", ["legal_term_near", "legal_term_broken", "passed_on", "owner_away"])
@pytest.mark.parametrize("language", ["it", "en"])
def test_the_events_of_the_clocks_have_their_notices(event: str, language: str) -> None:
    """Each is said in both languages of the desk."""
    made = LETTERS.notice(OutboxId("entry"), person("head", languages=(language,)), event, context(matter()), NOW)
    message = email.message_from_bytes(bytes(made), policy=default)
    assert len(str(message["Subject"])) > 25
