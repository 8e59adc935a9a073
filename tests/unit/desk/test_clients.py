"""Whose word counts about where a request came from."""

import pytest

from services.desk.clients import client_address

OURS = ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["192.0.2.66, 198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        ("10.0.0.2", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.2", ["unknown"], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.1, "], "10.0.0.2"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_only_what_a_proxy_of_ours_wrote_counts(peer: str, forwarded: list[str], client: str) -> None:
    """Whoever writes the header themselves stays who they are."""
    assert client_address(peer, forwarded, OURS) == client


def test_without_a_proxy_nobodys_word_counts() -> None:
    """The connection alone says it."""
    assert client_address("10.0.0.2", ["198.51.100.1"], ()) == "10.0.0.2"
