"""The command line run inside the test's process, in an empty folder: what it said and how it ended."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from itaca.cli.__main__ import main
from tests.support.ledger import new_ledger_file


@dataclass
class Said:
    """What a verb left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        """Standard output as a program reads it."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Said]


@pytest.fixture
def itaca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run the command in an empty folder, with no settings but those given."""
    for name in [name for name in os.environ if name.startswith("ITACA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **variables: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["itaca", *words])
        with monkeypatch.context() as context:
            for name, value in variables.items():
                context.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def ledger(itaca: Run, tmp_path: Path) -> Run:
    """Give the command an empty ledger, as the first `itaca up` makes one."""
    (tmp_path / "var").mkdir()
    asyncio.run(new_ledger_file(tmp_path / "var", "itaca.db"))
    return itaca
