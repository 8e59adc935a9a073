"""Keys of this Itaca: made once, never guessed, and missed loudly."""

import base64
import os
import stat
from pathlib import Path

import pytest

from itaca.errors import ConfigurationError
from itaca.keys import SECRET_FILE, Keyring, open_keyring, read_key_file
from itaca.settings import SharedSettings, load

FIRST, SECOND = bytes(range(32)), bytes(range(1, 33))


def settings(folder: Path, *keys: bytes) -> SharedSettings:
    given = {"ITACA_SECRET_KEY": ",".join(base64.b64encode(key).decode() for key in keys)} if keys else {}
    return load(SharedSettings, {"ITACA_DATA_DIR": str(folder), **given})


def test_a_sealed_text_shows_nothing_and_opens_again() -> None:
    """Twice sealed is twice another text; both open, also for whoever holds further keys."""
    sealed = [Keyring([FIRST]).seal("whsec_abc") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert not [one for one in sealed if "whsec" in one]
    assert [Keyring([SECOND, FIRST]).open(one) for one in sealed] == ["whsec_abc"] * 2


def test_what_nobody_sealed_is_read_as_it_is() -> None:
    """Secrets of an older version lie open until a process seals them."""
    assert Keyring([FIRST]).open("whsec_abc") == "whsec_abc"


@pytest.mark.parametrize("change", ["another key", "another text"])
def test_a_sealed_text_does_not_open_for_others(change: str) -> None:
    """Neither by another key nor after somebody changed it; the sentence names the variable."""
    sealed = Keyring([FIRST]).seal("whsec_abc")
    ring = Keyring([SECOND]) if change == "another key" else Keyring([FIRST])
    damaged = sealed if change == "another key" else sealed[:-6] + "AAAAAA"
    with pytest.raises(ConfigurationError, match="ITACA_SECRET_KEY"):
        ring.open(damaged)


def test_each_purpose_signs_with_a_key_of_its_own() -> None:
    """One message has as many signatures as there are keys, and others for another purpose."""
    ring = Keyring([FIRST, SECOND])
    assert len(set(ring.signatures("address", b"m") + ring.signatures("other", b"m"))) == 4


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """A second process finds the key of the first; nobody else may read it."""
    first, second = (open_keyring(settings(tmp_path)) for _ in range(2))
    assert second.open(first.seal("x")) == "x"
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) == 0o600


def test_a_key_is_on_the_disk_before_anything_is_sealed_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First its bytes, while it has no name yet, then the folder that holds the name."""
    synced: list[tuple[bool, bool]] = []

    def note(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (tmp_path / SECRET_FILE).exists()))

    monkeypatch.setattr(os, "fsync", note)
    open_keyring(settings(tmp_path))
    assert synced == [(False, False), (True, True)]


def test_a_given_key_stands_before_the_file(tmp_path: Path) -> None:
    """The newest is named first and seals; nothing is made beside it."""
    ring = open_keyring(settings(tmp_path, SECOND, FIRST))
    assert ring.mark == Keyring([SECOND]).mark
    assert not (tmp_path / SECRET_FILE).exists()


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "keine Schlüssel"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    """Too short, or no base64: said with the place where it stands."""
    (tmp_path / SECRET_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=SECRET_FILE):
        open_keyring(settings(tmp_path))


def test_a_missing_file_is_not_made_where_it_must_be_there(tmp_path: Path) -> None:
    """A key that sealed something cannot be replaced by a new one."""
    with pytest.raises(ConfigurationError, match="put it back"):
        read_key_file(tmp_path / SECRET_FILE, makes=False)
    assert not (tmp_path / SECRET_FILE).exists()
