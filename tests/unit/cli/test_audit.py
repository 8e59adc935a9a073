"""`itaca audit next`, `answer` and `--elusion`: what a person at a terminal sees of the standing audit."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from itaca.cli.__main__ import main
from itaca.contracts.ids import MailId
from itaca.storage import tables as t
from itaca.storage.routing import Waiting
from tests.support.case_facts import judgement, mail_text
from tests.support.ledger import new_ledger_file, open_ledger
from tests.support.routed import NOTHING, Desk

BY = ("--by", "agent@shop.example")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a ledger in the folder, with an agent."""
    (tmp_path / "var").mkdir()

    async def make() -> str:
        url = await new_ledger_file(tmp_path / "var", "itaca.db")
        async with open_ledger(url) as ledger:
            await Desk(ledger).staff("agent")
        return url

    return asyncio.run(make())


@pytest.fixture
def itaca(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run the command on that ledger: exit code, output, errors."""
    for name in [name for name in os.environ if name.startswith("ITACA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["itaca", "audit", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def draw(url: str, new_text: str, **more: object) -> MailId:
    """Let one mail pass as no complaint, and draw it."""

    async def work() -> MailId:
        async with open_ledger(url, seed=len(new_text)) as ledger:
            desk = Desk(ledger)
            mail_id = await desk.take(mail_text(new_text, **more))
            await desk.route(Waiting(mail_id, NOTHING), audit_per_month=300)
            return mail_id

    return asyncio.run(work())


def test_a_check_from_beginning_to_end(itaca: Run, url: str) -> None:
    """Shown, answered no, and gone; then nothing waits, which is an answer that is no."""
    mail_id = draw(url, "Grazie mille.", subject="Saluti", quoted_text="Buongiorno")
    code, out, _ = itaca("next", *BY)
    assert code == 0
    assert all(part in out for part in (mail_id, "Saluti", "Grazie mille.", "> Buongiorno"))
    assert itaca("answer", mail_id, "no", *BY)[0] == 0
    code, out, err = itaca("next")
    assert (code, out) == (1, "")
    assert "no mail waits" in err


def test_the_machines_answer_is_not_shown(itaca: Run, url: str) -> None:
    """Neither a person nor a program learns verdicts, scores, model or outcome before answering."""
    draw(url, "Grazie mille.")
    _, shown, _ = itaca("next")
    _, printed, _ = itaca("next", "--json")
    assert set(json.loads(printed)) == {"mail_id", "drawn_at", "subject", "new_text", "quoted_text", "attachments"}
    for told in (judgement().model, "score", "verdict", "noted"):
        assert told not in shown + printed


def test_a_stranger_cannot_drive_the_terminal(itaca: Run, url: str) -> None:
    """Escape sequences and carriage returns of a mail reach nobody's screen."""
    draw(url, "Gra\x1b[2Jzie\r\n\x07fine", subject="Sal\x1b]0;x\x07uti\u202e")
    _, out, _ = itaca("next")
    assert not set(out) & set("\x1b\x07\r\u202e")
    assert "fine" in out


def test_a_yes_names_the_case(itaca: Run, url: str) -> None:
    """A complaint that was passed over is in a case when the command ends; the books balance with it."""
    mail_id = draw(url, "Aspetto ancora il rimborso.")
    code, out, _ = itaca("answer", mail_id, "yes", "--order", *BY)

    async def kept() -> tuple[str, list[str]]:
        async with open_ledger(url) as ledger:
            (case,), (label,) = await Desk(ledger).cases(), await Desk(ledger).rows(t.labels)
            return case.reference, label.intents

    reference, intents = asyncio.run(kept())
    assert code == 0
    assert reference in out
    assert intents == ["complaint", "order"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("answer", "x", "no", *BY), 1),
        (("answer", "x", "perhaps", *BY), 2),
        (("answer", "x", "no"), 2),
        (("nonsense",), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_recorded_is_told(itaca: Run, words: tuple[str, ...], code: int) -> None:
    """A mail that was not drawn is a no; what was typed wrongly is misuse."""
    found, out, err = itaca(*words)
    assert (found, out) == (code, "")
    assert err


def test_the_bound_is_shown_by_language_and_in_all(itaca: Run, url: str) -> None:
    """For people as a table, for programs one line each; nothing checked is nothing known."""
    mail_id = draw(url, "Grazie mille.")
    draw(url, "Danke.", language="de")
    assert "unknown: nothing was checked" in itaca("--elusion")[1]
    itaca("answer", mail_id, "no", *BY)
    code, out, _ = itaca("--elusion", "--json")
    rows = {row["language"]: row for row in map(json.loads, out.splitlines())}
    assert (code, list(rows)) == (0, ["de", "it", "all"])
    assert (rows["all"]["checked"], rows["all"]["misses"], rows["all"]["waiting"]) == (1, 0, 1)
    assert rows["it"]["upper_bound"] == pytest.approx(0.95)
    assert rows["de"]["upper_bound"] == 1.0
    assert "95.00%" in itaca("--elusion")[1]
    assert itaca("--elusion", "--json", "--model", "another")[1].count("\n") == 1


def test_the_books_are_still_the_verb_alone(itaca: Run, url: str) -> None:
    """Without a word after it the verb balances the books, as ever."""
    draw(url, "Grazie mille.")
    code, out, _ = itaca("--json")
    assert (code, json.loads(out)["accepted"]) == (0, 1)
    assert "The books balance." in itaca()[1]
