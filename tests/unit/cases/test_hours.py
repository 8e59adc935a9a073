"""Working hours as people write them, day by day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.hours import MIDNIGHT, Period, read_day, read_hours, write_hours
from itaca.errors import PermanentError


@st.composite
def days(draw: st.DrawFn) -> tuple[Period, ...]:
    """Any periods of a day, in order and apart."""
    edges = sorted(draw(st.sets(st.integers(0, MIDNIGHT), max_size=6)))
    return tuple(Period(edges[n], edges[n + 1]) for n in range(0, len(edges) - 1, 2))


@given(st.dictionaries(st.integers(0, 6), days(), min_size=1).filter(lambda week: any(week.values())))
def test_what_is_written_reads_as_it_was(week: dict[int, tuple[Period, ...]]) -> None:
    """Days that are alike and side by side become one part; none is lost."""
    assert {day: spans for day, spans in read_hours(write_hours(week)).periods.items() if spans} == {
        day: spans for day, spans in week.items() if spans
    }


def test_a_week_is_written_as_short_as_people_would() -> None:
    """Alike and side by side, in one part."""
    office, morning = read_day("9-13 14:30-18"), read_day("9-12")
    week = {**dict.fromkeys(range(5), office), 5: morning}
    assert write_hours(week) == "mon-fri 9-13 14:30-18; sat 9-12"
    assert write_hours({0: office, 2: office, 3: office}) == "mon 9-13 14:30-18; wed-thu 9-13 14:30-18"


@pytest.mark.parametrize("text", ["8.30-13, 14 - 18:00", "8:30–13; 14—18", " 8:30-13 14-18 "])
def test_a_day_is_read_however_it_is_written(text: str) -> None:
    """Points or colons, commas or spaces, dashes of any length."""
    assert read_day(text) == (Period(510, 780), Period(840, 1080))


def test_an_empty_day_is_free() -> None:
    """Nothing written, nothing worked."""
    assert read_day(" , ") == ()


@pytest.mark.parametrize("text", ["9", "9-8", "9-13 12-18", "25-26", "9-9:75", "from nine"])
def test_a_day_that_cannot_be_read_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(PermanentError):
        read_day(text)


def test_a_week_without_hours_is_refused() -> None:
    """Nothing would ever be due."""
    with pytest.raises(PermanentError):
        write_hours({0: ()})
