"""The desk's words: nothing English is left in Italian, and every name that the code uses is known."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from itaca.cases.cues import find_cues
from itaca.cases.roles import Role
from itaca.contracts.intents import CaseKind, CaseOutcome, Intent, MailOutcome, OutboxKind, OutboxState, PromiseKind
from itaca.storage.desk_events import DoorEvent
from services.desk.names import LETTERS, NAMES
from services.desk.words import Words, choose_language

ROOT = Path(__file__).parents[3]
DESK = ROOT / "services" / "desk"
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "say": None}
METHODS = [("**.py", "python"), ("pages/**.html", "jinja2.ext.babel_extract")]
OPTIONS = {"pages/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
IT, EN = (Words(language, ZoneInfo("Europe/Rome")) for language in ("it", "en"))


def texts() -> set[str]:
    """Return every text of the desk, the singular of those that have two forms."""
    found = extract_from_dir(DESK, METHODS, OPTIONS, keywords=KEYWORDS)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


def test_every_text_of_the_desk_is_in_the_italian_catalogue() -> None:
    """No English is left over, and the catalogue holds nothing that the desk no longer says."""
    with (DESK / "locale/it/desk.po").open("rb") as file:
        known = {(m.id[0] if isinstance(m.id, tuple) else m.id) for m in read_po(file) if m.id}
    assert known == texts()


def test_every_translation_fills_in_the_same_values() -> None:
    """A value that is missing in one language would be an error on its page."""
    with (DESK / "locale/it/desk.po").open("rb") as file:
        wrong = [m.id for m in read_po(file) if m.id and _values(m.id) != _values(m.string)]
    assert wrong == []


@pytest.mark.parametrize(
    "closed_set", [CaseKind, CaseOutcome, Intent, MailOutcome, OutboxState, PromiseKind, Role, DoorEvent]
)
def test_every_member_of_a_closed_set_has_its_name(closed_set) -> None:
    """Nobody reads ``not_a_matter``."""
    assert [member.value for member in closed_set if member.value not in NAMES] == []


def test_every_letter_has_its_name() -> None:
    """What waits to leave is called by what it is."""
    assert {kind.value for kind in OutboxKind} <= set(LETTERS)


def test_every_event_of_the_code_has_its_name() -> None:
    """The history of a case is read by people."""
    pattern = re.compile(r'\.event\(\s*[\w.\[\]()]+,\s*"([a-z_]+)"')
    found = {
        kind for path in (ROOT / "itaca/storage").glob("*.py") for kind in pattern.findall(path.read_text("utf-8"))
    }
    assert len(found) > 10
    assert found - set(NAMES) == set()


def test_every_cue_is_said_in_italian() -> None:
    """The reasons of severity are read by the owner of the case, in their language."""
    text = "avvocato, antitrust, codacons, alla stampa, la disdetta: ai giornali, striscia la notizia"
    said = {cue.says for cue in find_cues(text, "it", ())}
    assert len(said) == 5
    assert [one for one in said if IT.reason(one) == one] == []


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("contact number 3 on this matter", "contatto numero 3 sullo stesso problema"),
        (
            "the model is not sure about complaint; the model is not sure about order",
            "il sistema non è sicuro che sia un reclamo; il sistema non è sicuro che sia un ordine",
        ),
        ("the machine is not sure about: order, complaint", "il sistema non è sicuro che sia un ordine o un reclamo"),
        ("refers to this case; the writer is not verified", "cita questo caso; non è certo chi scrive"),
        (
            "the customer says that it was cancelled by 2026-08-28",
            "il cliente dice di aver disdetto entro il 28/8/2026",
        ),
        ("refund 4711", "refund 4711"),
    ],
)
def test_reasons_of_the_ledger_are_said_in_the_readers_language(english: str, italian: str) -> None:
    """Several reasons in one text are said one by one; what a person wrote stays as it is."""
    assert IT.reason(english) == italian
    assert "model" not in EN.reason(english)


def test_dates_are_written_as_their_readers_write_them() -> None:
    """In the company's zone, near dates by their distance."""
    assert (IT.moment(NOW), EN.moment(NOW)) == ("9 mar 2026, 09:30", "9 Mar 2026, 09:30")
    assert IT.until(NOW + timedelta(days=2), NOW) == "tra 2 giorni"
    assert EN.until(NOW - timedelta(hours=3), NOW) == "3 hours ago"
    assert IT.until(NOW, NOW) == "adesso"


@pytest.mark.parametrize(
    ("accepted", "language"), [("en-GB,en;q=0.9", "en"), ("de,en;q=0.5", "en"), ("de", "it"), ("", "it")]
)
def test_the_browser_says_which_language_until_the_person_does(accepted: str, language: str) -> None:
    """What the desk does not speak is passed over; Italian is the last resort."""
    assert choose_language(accepted) == language


def _values(text: object) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text if isinstance(text, str) else str(text)))
