"""Settings from the environment: every problem at once, nothing guessed, nothing given away."""

from pathlib import Path

import pytest

from docs.generate import settings_classes
from itaca.errors import ConfigurationError
from itaca.settings import Settings, SharedSettings, load, load_all, masked
from services.courier.settings import CourierSettings
from services.ingest.settings import IngestSettings
from services.watch.settings import WatchSettings

PASSWORD_URL = "postgresql+asyncpg://itaca:parola-segreta@db/itaca"


def problems(cls: type[Settings], **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(cls, environ)
    return list(caught.value.problems)


@pytest.mark.parametrize("cls", settings_classes(), ids=lambda cls: cls.__name__)
def test_everything_has_a_default_and_a_meaning(cls: type[Settings]) -> None:
    """An empty environment is a configuration, and each setting says in a sentence what it is for."""
    assert isinstance(load(cls, {}), cls)
    assert [name for name, field in cls.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_no_two_settings_share_a_variable() -> None:
    """Each variable means one thing, in whichever stage it is read."""
    names = [cls.variable(name) for cls in settings_classes() for name in cls.model_fields]
    assert len(names) == len(set(names))


def test_an_unknown_variable_is_an_error_by_its_name() -> None:
    """A misspelt variable would otherwise be ignored in silence."""
    assert problems(SharedSettings, ITACA_OWNER_MAIL="anna@example.it") == [
        "ITACA_OWNER_MAIL: no such setting; `itaca settings` lists all"
    ]


def test_each_class_answers_for_its_own_prefix() -> None:
    """One environment serves all stages: the variables of another service are none of ours, misspelt or not."""
    environ = {"ITACA_WATCH_INTERVALS": "1", "ITACA_COURIER_BATCH_SIZE": "7"}
    assert load(CourierSettings, environ).batch_size == 7
    assert load(SharedSettings, environ).log_level == "info"
    assert problems(WatchSettings, **environ)[0].startswith("ITACA_WATCH_INTERVALS: ")


def test_other_programs_variables_are_left_alone() -> None:
    """Only what begins with ITACA_ is ours."""
    assert load(SharedSettings, {"PATH": "/bin", "ITACAX": "1"}).owner_email == "owner@localhost"


def test_all_problems_are_reported_together_each_by_its_variable() -> None:
    """Whoever configures mends everything in one go."""
    with pytest.raises(ConfigurationError) as caught:
        load_all(
            [SharedSettings, WatchSettings, CourierSettings],
            {
                "ITACA_METRICS_PORT": "seventy",
                "ITACA_TYPO": "1",
                "ITACA_WATCH_INTERVAL_S": "-1",
                "ITACA_COURIER_RELAY_PORT": "0",
            },
        )
    assert {problem.split(":")[0] for problem in caught.value.problems} == {
        "ITACA_METRICS_PORT",
        "ITACA_TYPO",
        "ITACA_WATCH_INTERVAL_S",
        "ITACA_COURIER_RELAY_PORT",
    }


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    """Container secrets are files; the line end that editors add is not part of the secret."""
    secret = tmp_path / "url"
    secret.write_text(f"{PASSWORD_URL}\n", encoding="utf-8")
    settings = load(SharedSettings, {"ITACA_DATABASE_URL_FILE": str(secret)})
    assert settings.ledger_url() == PASSWORD_URL


def test_a_file_that_cannot_be_read_is_a_problem_and_no_default(tmp_path: Path) -> None:
    """A missing secret must not fall back to another database."""
    found = problems(SharedSettings, ITACA_DATABASE_URL_FILE=str(tmp_path / "absent"))
    assert found == ["ITACA_DATABASE_URL_FILE: cannot be read (No such file or directory)"]


def test_a_file_of_raw_bytes_is_a_problem_like_others(tmp_path: Path) -> None:
    """Whoever wrote the bytes of a key instead of their base64 is told so, and not by our code."""
    (tmp_path / "key").write_bytes(bytes(range(224, 256)))
    (problem,) = problems(SharedSettings, ITACA_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert problem == "ITACA_SECRET_KEY_FILE: holds bytes that are no text"


def test_secrets_are_shown_masked_and_never_in_a_repr() -> None:
    """What prints the configuration may be pasted into a ticket."""
    settings = load(SharedSettings, {"ITACA_DATABASE_URL": PASSWORD_URL})
    assert masked(settings)["ITACA_DATABASE_URL"] == "**********"
    assert "parola-segreta" not in f"{settings!r} {settings}"


def test_a_bad_value_is_not_repeated() -> None:
    """A secret in the wrong variable must not reach the log by way of the error."""
    assert "parola-segreta" not in " ".join(problems(SharedSettings, ITACA_METRICS_PORT="parola-segreta"))


def test_lists_are_separated_by_commas_and_spaces_do_not_count() -> None:
    """An empty entry is none, so that a trailing comma does no harm."""
    settings = load(SharedSettings, {"ITACA_OWN_DOMAINS": " example.it, shop.example ,,"})
    assert settings.own_domains == ("example.it", "shop.example")


def test_settings_do_not_change_while_a_process_runs() -> None:
    """Settings are read once; what was checked at the start holds."""
    settings = load(WatchSettings, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.interval_s = 0.0


def test_an_open_network_without_recipients_is_refused() -> None:
    """Itaca is no open relay by an oversight."""
    environ = {"ITACA_INGEST_NETWORKS": "0.0.0.0/0", "ITACA_INGEST_CONNECTIONS": "1"}
    (problem,) = load(IngestSettings, environ).problems()
    assert problem.startswith("ITACA_INGEST_RECIPIENTS: ")
    named = environ | {"ITACA_INGEST_RECIPIENTS": "reclami@example.it,@shop.example"}
    assert load(IngestSettings, named).problems() == []


def test_the_embedded_ledger_lies_in_the_data_folder(tmp_path: Path) -> None:
    """Every verb started in the same folder finds the same data."""
    settings = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
    assert settings.ledger_url() == f"sqlite:///{tmp_path}/itaca.db"
