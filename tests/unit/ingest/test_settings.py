"""The settings of ingest: what is refused, and by which name."""

import resource
from pathlib import Path

import pytest

from itaca.errors import ConfigurationError
from itaca.settings import load
from services.ingest.settings import IngestSettings


def test_defaults_are_safe() -> None:
    """Without a word of configuration it listens on this machine, for this machine, and announces 35 MiB."""
    settings = load(IngestSettings, {})
    assert (settings.host, settings.port, settings.size_limit_bytes) == ("127.0.0.1", 2525, 36_700_160)
    assert [str(network) for network in settings.networks] == ["127.0.0.0/8", "::1/128"]
    assert settings.problems() == []


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "10.0.0.0/8, 8.8.0.0/16", "2a00::/16"])
def test_never_an_open_door(network: str) -> None:
    """Strangers' networks without named recipients are refused; with them they are fine."""
    open_door = load(IngestSettings, {"ITACA_INGEST_NETWORKS": network})
    assert [problem.partition(":")[0] for problem in open_door.problems()] == ["ITACA_INGEST_RECIPIENTS"]
    named = {"ITACA_INGEST_NETWORKS": network, "ITACA_INGEST_RECIPIENTS": "@shop.example, reclami@books.example"}
    assert load(IngestSettings, named).problems() == []


def test_private_networks_need_no_names() -> None:
    """The company's own networks may write to everybody."""
    settings = load(IngestSettings, {"ITACA_INGEST_NETWORKS": "10.0.0.0/8, 192.168.7.0/24, fd00::/8"})
    assert settings.problems() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NETWORKS", "10.0.0.1/8"),
        ("NETWORKS", "everywhere"),
        ("RECIPIENTS", "shop.example"),
        ("PROTOCOL", "http"),
        ("MAX_RECIPIENTS", "50"),
        ("HOSTNAME", "two words"),
        ("PORT", "70000"),
    ],
)
def test_bad_values_are_named(variable: str, value: str) -> None:
    """A value that cannot be used is reported under its variable."""
    with pytest.raises(ConfigurationError, match=f"ITACA_INGEST_{variable}"):
        load(IngestSettings, {f"ITACA_INGEST_{variable}": value})


def test_tls_and_users_need_each_other(tmp_path: Path) -> None:
    """A certificate without key, and users without TLS, are refused."""
    half = load(IngestSettings, {"ITACA_INGEST_TLS_CERTIFICATE": str(tmp_path / "c.pem")})
    assert half.problems()[0].startswith("ITACA_INGEST_TLS_KEY: is missing")
    users = load(IngestSettings, {"ITACA_INGEST_USERS_FILE": str(tmp_path / "users")})
    assert "over TLS only" in users.problems()[0]


def test_too_few_descriptors_are_refused_at_start() -> None:
    """More connections than this process may open are a problem now, not under load."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    settings = load(IngestSettings, {"ITACA_INGEST_CONNECTIONS": str(soft)})
    assert "ulimit" in settings.problems()[0]
