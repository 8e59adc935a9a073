"""``itaca cases`` and ``itaca people hours``: both dates of a case, its questions, parking, a team's hours."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, Desk
from tests.support.verbs import Run

ENERGY = Policy(law=Law(load_pack(), "energy"))


@pytest.fixture
def reference(ledger: Run, tmp_path: Path) -> str:
    """Give the reference of a complaint that came just now and asks two things."""

    async def settle() -> str:
        async with open_ledger(f"sqlite:///{tmp_path / 'var' / 'itaca.db'}") as opened:
            await opened.clock.advance(datetime.now(UTC) - opened.clock.now())
            desk = Desk(opened)
            await desk.staff("agent", "lead")
            await desk.settle(COMPLAINT, "Dove sono i libri? Vorrei il rimborso.", policy=ENERGY)
            return str((await desk.cases())[0].reference)

    return asyncio.run(settle())


def test_a_case_shows_both_dates_and_what_is_asked(ledger: Run, reference: str) -> None:
    """The company's date and the law's with its rule, and the questions by number."""
    said = ledger("cases", "show", reference, ITACA_SECTOR="energy")
    assert said.code == 0
    assert "by law" in said.out
    assert "it.energy.complaint" in said.out
    assert "asks 1    Dove sono i libri?" in said.out
    (shown,) = ledger("cases", "show", reference, "--json").lines
    assert [line["state"] for line in shown["legal"]] == ["running"]  # type: ignore[attr-defined]
    assert shown["parked"] is None


def test_a_sector_that_nobody_knows_is_misconfigured(ledger: Run, reference: str) -> None:
    """A misspelt sector would silently have no legal terms."""
    said = ledger("cases", "show", reference, ITACA_SECTOR="enregy")
    assert (said.code, "ITACA_SECTOR" in said.err) == (2, True)


def test_a_case_is_parked_and_taken_up_again(ledger: Run, reference: str) -> None:
    """Until a day, with its reason; once; the legal term is not touched."""
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    assert ledger("cases", "park", reference, until, "--why", "a photo is to come").code == 0
    assert "parked    until" in ledger("cases", "show", reference, ITACA_SECTOR="energy").out
    assert ledger("cases", "park", reference, until, "--why", "again").code == 1
    assert ledger("cases", "resume", reference).code == 0
    assert ledger("cases", "resume", reference).code == 1


def test_a_case_closes_when_its_questions_are_ticked(ledger: Run, reference: str) -> None:
    """Refused with how many are open; one ticked by number, the rest by one sentence."""
    close = ("cases", "close", reference, "remedied", "--evidence", "refund 4711")
    said = ledger(*close)
    assert (said.code, "still open: 2" in said.err) == (1, True)
    assert ledger("cases", "tick", reference, "3", "--how", "x").code == 1
    assert ledger("cases", "tick", reference, "1", "--how", "they left on 7 March").code == 0
    assert ledger(*close).code == 1
    assert ledger(*close, "--answered", "refund 4711").code == 0


def test_a_complaint_ends_as_a_complaint_can(ledger: Run, reference: str) -> None:
    """It goes on in another case by a merger alone, which takes along what was asked and promised."""
    for outcome in ("merged", "ordered", "effected"):
        said = ledger("cases", "close", reference, outcome, "--evidence", "IT-00000-00000", "--answered", "there")
        assert (said.code, f"cannot end as {outcome}" in said.err) == (1, True)


def test_a_team_has_its_own_hours_until_it_has_not(ledger: Run, reference: str) -> None:
    """Wrong hours and unknown teams are told; a dash gives the company's hours back."""
    hours = ("people", "hours", "team of agent")
    assert ledger(*hours, "mon-sat 9-13", "--province", "MI", "--closed", "08-14, 2026-12-24").code == 0
    assert ledger(*hours, "-").code == 0
    assert ledger(*hours, "always").code == 1
    assert ledger(*hours, "mon 9-18", "--province", "XX").code == 1
    assert ledger("people", "hours", "nobody", "mon 9-18").code == 1
