"""When a customer says that they cancelled, in five languages; what is to come, or another's date, is not it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.stated import stated_cancellation

RECEIVED = datetime(2026, 11, 10, 9, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


def said(text: str, language: str = "it") -> str:
    """Return the day that is understood, empty for none."""
    found = stated_cancellation(text, language, RECEIVED, ROME)
    return "" if found is None else found.astimezone(ROME).date().isoformat()


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("it", "Ho disdetto a luglio e continuate ad addebitarmi.", "2026-07-31"),
        ("it", "Il 14 aprile ho mandato la raccomandata di disdetta della linea.", "2026-04-14"),
        ("it", "Ho dato la disdetta a mano il 28 agosto 2025, e ieri un altro addebito.", "2025-08-28"),
        ("it", "Disdetta del 12/07/2026: perché mi addebitate ancora?", "2026-07-12"),
        ("it", "Ho disdetto a dicembre e siamo a novembre!", "2025-12-31"),
        ("it", "Ho disdetto questo novembre.", "2026-11-10"),
        ("en", "I cancelled in July and you still charge me.", "2026-07-31"),
        ("en", "My contract was cancelled on July 12th, yet a charge came on 3 September.", "2026-07-12"),
        ("en", "I canceled on 2026-05-04.", "2026-05-04"),
        ("de", "Ich habe im März 2026 gekündigt und Sie buchen weiter ab.", "2026-03-31"),
        ("de", "Am 3. Juli habe ich gekündigt.", "2026-07-03"),
        ("fr", "J'ai résilié en août et vous me prélevez encore.", "2026-08-31"),
        ("es", "Me di de baja el 5 de junio de 2026 y me siguen cobrando.", "2026-06-05"),
        ("", "I cancelled in July and you still charge me.", "2026-07-31"),
    ],
)
def test_a_past_day_is_understood(language: str, text: str, day: str) -> None:
    """A month is its last day, without a year the last such; never later than the mail."""
    assert said(text, language) == day


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "Do disdetta con decorrenza dal prossimo mese di agosto."),
        ("it", "A luglio ero in ferie. Ho disdetto per telefono."),
        ("it", "Disdico dal 31 dicembre 2026."),
        ("it", "Ho disdetto il 45/13/2026."),
        ("en", "You may know that I cancelled."),
        ("en", "Where are my books of July?"),
        ("", ""),
    ],
)
def test_what_says_no_past_day_says_nothing(language: str, text: str) -> None:
    """What is to come, a date of another sentence, a date that is none, a word that only looks like a month."""
    assert said(text, language) == ""


@given(st.text(alphabet="disdetto luglio 0123456789./-,\n", max_size=300))
def test_no_text_is_understood_as_a_day_to_come(text: str) -> None:
    """Whatever is written: a day in the past, or none."""
    found = stated_cancellation(text, "it", RECEIVED, ROME)
    assert found is None or found <= RECEIVED
