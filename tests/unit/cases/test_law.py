"""Legal clocks: rules that are checked before they are believed, chosen by sector, matter and day."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.law.clock import Law
from itaca.cases.law.rules import PACKS, Unit, load_pack, read_pack
from itaca.errors import ConfigurationError
from tests.support.shared import SHARED

ROME = ZoneInfo("Europe/Rome")
ITALY = load_pack()
SECTORS = [*sorted({sector for rule in ITALY.rules for sector in rule.sectors}), "books"]
MATTERS = sorted({rule.matter for rule in ITALY.rules})
RULE = {
    "id": "r", "sectors": ["energy"], "matter": "complaint", "days": 30, "unit": "calendar", "says": "s",
    "source": "q", "valid_from": date(2026, 1, 1), "dated_by": "source",
}  # fmt: skip


def at(text: str) -> datetime:
    """Read a moment as a clock in Rome shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def pack(*rows: dict[str, object]) -> dict[str, object]:
    return {"country": "IT", "version": "1", "rules": [{**RULE, **row} for row in rows]}


@pytest.mark.parametrize(
    ("sector", "matter", "start", "due"),
    [
        ("energy", "complaint", "2026-03-09T09:00", "2026-04-08T23:59"),
        ("water", "double_billing", "2026-03-09T23:30", "2026-03-24T23:59"),
        ("telecom", "complaint", "2026-03-09T09:00", "2026-04-23T23:59"),
        ("telecom", "cancellation", "2026-07-20T09:00", "2026-08-19T23:59"),
        ("insurance", "complaint", "2026-10-10T09:00", "2026-11-24T23:59"),
        ("bank", "complaint", "2026-01-31T09:00", "2026-04-01T23:59"),
        ("payments", "complaint", "2026-04-01T09:00", "2026-04-23T23:59"),
        ("books", "refund_after_withdrawal", "2026-03-09T09:00", "2026-03-23T23:59"),
        ("books", "data_rights", "2026-01-31T09:00", "2026-02-28T23:59"),
        ("books", "data_rights", "2027-12-31T09:00", "2028-01-31T23:59"),
    ],
)
def test_each_sector_has_its_terms(sector: str, matter: str, start: str, due: str) -> None:
    """Calendar days, working days without national holidays, months; the day of receipt is not counted."""
    clock = Law(ITALY, sector).clock(matter, at(start))
    assert clock is not None
    assert (clock.due_at, clock.due_at.tzinfo) == (at(due), UTC)
    assert clock.started_at < clock.warn_at < clock.due_at


def test_where_the_law_gives_no_term_there_is_no_clock() -> None:
    """A bookshop's complaint has the company's own date only; a rule does not hold before its day."""
    assert Law(ITALY, "books").clock("complaint", at("2026-03-09T09:00")) is None
    assert Law(ITALY, "energy").clock("complaint", at("2025-12-31T23:59")) is None
    assert Law(ITALY, "energy").clock("complaint", at("2026-01-01T00:00")) is not None


def test_the_day_is_that_of_the_country() -> None:
    """A mail of half past eleven UTC in summer came the next day."""
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    clock = Law(ITALY, "energy").clock("complaint", late)
    assert clock is not None
    assert clock.due_at == at("2026-07-31T23:59")


def test_a_new_version_of_a_rule_takes_over_on_its_day() -> None:
    """The old one holds for what came before, the sector's own goes before the one for everybody."""
    rules = read_pack(
        pack(
            {"id": "old", "valid_until": date(2027, 1, 1)},
            {"id": "new", "days": 20, "valid_from": date(2027, 1, 1)},
            {"id": "all", "sectors": [], "days": 5, "valid_from": date(2026, 6, 1)},
        )
    )
    law = Law(rules, "energy")
    found = [law.clock("complaint", at(f"{day}T12:00")) for day in ("2026-12-31", "2027-01-01")]
    assert [clock.rule.id for clock in found if clock] == ["old", "new"]
    other = Law(rules, "books").clock("complaint", at("2026-12-31T12:00"))
    assert other is not None
    assert other.rule.id == "all"


@pytest.mark.parametrize("country", PACKS)
def test_every_rule_has_its_source_and_its_day(country: str) -> None:
    """The packs that come with Itaca can be read, and claim no lawyer who was not asked."""
    found = load_pack(country=country)
    assert found.rules
    assert found.reviewed_by == ""
    assert all(rule.source and rule.says for rule in found.rules)


def test_the_sources_are_those_of_the_research() -> None:
    """Each source that a rule names stands in the table that was researched, in a row marked as sourced."""
    research = SHARED / "reference" / "italian.md"
    if not research.exists():
        pytest.skip("the research is not beside the repository")
    rows = [row for row in research.read_text("utf-8").splitlines() if row.startswith("|")]
    sourced = " ".join(row for row in rows if "| S" in row)
    pages = ("sky.it", "conciliazioni.net", "infoconsumatori.com", "amissimavita.it", "bcccalabriaulteriore.com",
             "altroconsumo.it", "brocardi.it", "art. 12")  # fmt: skip
    for rule in ITALY.rules:
        named = [page for page in pages if page in rule.source]
        assert named, rule.id
        assert all(page in sourced for page in named), rule.id


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"days": 0}, "days must be"), ({"days": "30"}, "days must be"), ({"unit": "weeks"}, "unit must be"),
        ({"source": " "}, "source must be"), ({"valid_from": "2026-01-01"}, "valid_from must be"),
        ({"valid_until": date(2025, 1, 1)}, "valid_until must be"), ({"dated_by": "me"}, "dated_by must be"),
        ({"sectors": "energy"}, "sectors must be"), ({"day": 3}, "nobody knows day"),
        ({"id": "x" * 65}, "64 letters"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_by_its_name(row: dict[str, object], says: str) -> None:
    """A fault in a rule would be a wrong date for every customer."""
    with pytest.raises(ConfigurationError, match=says):
        read_pack(pack(row))


def test_all_faults_are_named_at_once() -> None:
    """Whoever keeps a pack mends it in one go."""
    with pytest.raises(ConfigurationError) as caught:
        read_pack({"rules": [{**RULE, "days": 0}, RULE, {"id": "r"}], "extra": 1})
    text = str(caught.value)
    assert all(part in text for part in ("country is missing", "nobody knows extra", "days must", "twice", "matter"))


def test_a_company_may_have_a_pack_of_its_own(tmp_path: Path) -> None:
    """A missing file or one that is not TOML is named by the variable; nothing falls back to the pack of Itaca."""
    own = tmp_path / "law.toml"
    for text in (None, "country = ", "\udcff"):
        if text is not None:
            own.write_text(text, encoding="utf-8", errors="surrogateescape")
        with pytest.raises(ConfigurationError, match="ITACA_LAW_FILE"):
            load_pack.__wrapped__(own)
    own.write_text('country = "IT"\nversion = "7"\nreviewed_by = "Avv. Neri"\n')
    assert load_pack.__wrapped__(own).name == "IT 7"


@given(
    st.sampled_from(SECTORS),
    st.sampled_from(MATTERS),
    st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 2_000_000),
)
def test_a_later_start_is_never_due_earlier(sector: str, matter: str, start: datetime, later_s: int) -> None:
    """For any sector and matter the term lies ahead, is at least as long as its days, and keeps the order."""
    law = Law(ITALY, sector)
    first, second = law.clock(matter, start), law.clock(matter, start + timedelta(seconds=later_s))
    assert (first is None) == (second is None)
    if first is None or second is None:
        return
    assert start < first.due_at <= second.due_at
    least = 28 if first.rule.unit is Unit.MONTHS else first.rule.days
    assert (first.due_at.astimezone(ROME).date() - start.astimezone(ROME).date()).days >= least
    wall = first.due_at.astimezone(ROME)
    assert (wall.hour, wall.minute) == (23, 59)
