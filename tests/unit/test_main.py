"""The way into a process: everything checked at once, and exit codes that tell what happened."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from itaca.errors import ConfigurationError, TransientError
from itaca.main import Service, run_services
from itaca.process import Parts
from itaca.settings import ServiceSettings, SharedSettings
from itaca.storage.database import Database


class WatchLike(ServiceSettings):
    service: ClassVar[str] = "watch"
    every_s: float = Field(1.0, gt=0, description="How often.")

    def problems(self) -> list[str]:
        return [f"{self.variable('every_s')}: is odd"] if self.every_s == 13 else []


class Short:
    """A stage that ends at once, by an error if told so."""

    name = "short"

    def __init__(self, parts: Parts, error: Exception | None) -> None:
        self._error = error

    async def run(self, stopping: asyncio.Event) -> None:
        if self._error is not None:
            raise self._error

    def problems(self) -> Sequence[str]:
        return []


def run(folder: Path, error: Exception | None = None, *, only_check: bool = False, **variables: str) -> int:
    environ = {"ITACA_DATA_DIR": str(folder), "ITACA_METRICS_PORT": "0", **variables}
    service = Service(WatchLike, lambda parts, settings: Short(parts, error))
    return run_services([service], environ, only_check=only_check)


def test_a_proper_end_is_0(tmp_path: Path) -> None:
    """Stages that end end the process with 0."""
    assert run(tmp_path) == 0


def test_an_error_is_1_and_its_text_stays_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error nobody foresaw ends the process with 1; the log names its type and not its text."""
    assert run(tmp_path, RuntimeError("anna@example.org")) == 1
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "anna" not in said


def test_a_configuration_error_at_start_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of the environment and of the machine are printed one a line, by variable; nothing is started."""
    assert run(tmp_path, ITACA_WATCH_EVERY_S="0", ITACA_LOG_LEVEL="loud") == 2
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "ITACA_LOG_LEVEL",
        "ITACA_WATCH_EVERY_S",
    ]
    assert run(tmp_path, only_check=True, ITACA_WATCH_EVERY_S="13") == 2
    assert capsys.readouterr().err == "ITACA_WATCH_EVERY_S: is odd\n"
    assert list(tmp_path.iterdir()) == []


def test_a_builder_that_refuses_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage that cannot be built (its port is taken) ends the process with 2 and its reason."""

    def refuse(parts: Parts, settings: WatchLike) -> Short:
        raise ConfigurationError(["ITACA_WATCH_PORT: is taken"])

    environ = {"ITACA_DATA_DIR": str(tmp_path), "ITACA_METRICS_PORT": "0"}
    assert run_services([Service(WatchLike, refuse)], environ) == 2
    assert "ITACA_WATCH_PORT: is taken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ITACA_DATABASE_URL", "mysql://u:parola@h/x"),
        ("ITACA_BROKER_URL", "http://u:parola@h"),
        ("ITACA_SECRET_KEY", "parola"),
        ("ITACA_RECEIPT_KEY", "parola"),
        ("ITACA_SECTOR", "toys"),
        ("ITACA_LAW_FILE", "/nowhere/law.toml"),
        ("ITACA_ENTITIES_FILE", "/nowhere/entities.toml"),
    ],
)
def test_what_cannot_be_used_is_found_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    """Whoever checks a configuration before a start hears what the start would say, and no secret."""
    assert run(tmp_path, only_check=True, **{variable: value}) == 2
    said = capsys.readouterr().err
    assert (said.startswith(variable), "parola" in said, len(said.splitlines())) == (True, False, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_one_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in its place, or a path that leads nowhere: the variable is named, and nothing is waited for."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert run(folder) == 2
        assert capsys.readouterr().err.startswith(f"ITACA_DATA_DIR: {folder} ")


def test_a_ledger_that_goes_away_at_the_start_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after it was opened: what a process does there first is done when the ledger is back."""
    looks: list[Database] = []

    async def away_once(settings: SharedSettings, database: Database) -> None:
        looks.append(database)
        if len(looks) == 1:
            raise TransientError("the ledger is away")

    monkeypatch.setattr("itaca.process.guard_secrets", away_once)
    assert run(tmp_path) == 0
    assert len(looks) == 2
