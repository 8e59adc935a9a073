"""Promotion, rollback and refusal of models: nothing runs that was not promoted byte for byte."""

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from itaca.errors import PermanentError
from services.classifier.manifest import MANIFEST_NAME, MODEL_NAME, describe_file
from services.classifier.model import load_model, read_pin
from services.classifier.promotion import list_models, manifest_of, promote, rollback


class Bomb:
    """A pickle that creates a file when it is opened."""

    def __init__(self, mark: Path) -> None:
        self._mark = str(mark)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (self._mark, "w"))


def _folder(models: Path) -> Path:
    return models / read_pin(models).version


def test_a_promoted_model_loads(models: Path) -> None:
    """The model in use is the promoted one."""
    assert load_model(models).version == read_pin(models).version == list_models(models)[0].manifest.version


def test_no_code_of_a_changed_model_file_runs(models: Path, tmp_path: Path) -> None:
    """A file that would run code when unpickled is refused before it is opened."""
    mark = tmp_path / "ran"
    (_folder(models) / MODEL_NAME).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(PermanentError, match="not the file its manifest describes"):
        load_model(models)
    assert not mark.exists()


def test_the_bomb_would_go_off(tmp_path: Path) -> None:
    """The pickle of these tests does run code when somebody opens it, so its silence proves something."""
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Bomb(mark))).close()
    assert mark.exists()


def test_no_code_runs_when_the_manifest_was_forged_with_it(models: Path, tmp_path: Path) -> None:
    """A manifest rewritten to fit the forged file is not the one that was promoted."""
    mark = tmp_path / "ran"
    folder = _folder(models)
    (folder / MODEL_NAME).write_bytes(pickle.dumps(Bomb(mark)))
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["files"][MODEL_NAME] = describe_file(folder / MODEL_NAME).model_dump()
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(PermanentError, match="not the promoted one"):
        load_model(models)
    assert not mark.exists()


def _cut(folder: Path) -> None:
    path = folder / MODEL_NAME
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    path = folder / MODEL_NAME
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_cut, "not the file"),
        (_flip, "not the file"),
        (lambda folder: (folder / MODEL_NAME).unlink(), "cannot be read"),
        (lambda folder: (folder / MANIFEST_NAME).write_text("{}"), "not the promoted one"),
        (shutil.rmtree, "not there"),
        (lambda folder: folder.chmod(0o777), "writable for everybody"),
        (lambda folder: (folder.parent / "current").unlink(), "itaca train"),
        (lambda folder: (folder.parent / "current").write_text("itaca-1"), "cannot be read"),
        (
            lambda folder: (folder.parent / "current").write_text('{"version": "../x", "manifest_sha256": ""}'),
            "no folder",
        ),
    ],
)
def test_a_broken_model_is_refused_with_what_to_do(models: Path, harm: Callable[[Path], object], says: str) -> None:
    """Cut, changed, missing, world-writable or unnamed: refused, in a sentence for the person who must act."""
    harm(_folder(models))
    with pytest.raises(PermanentError, match=says):
        load_model(models)


def test_a_model_of_other_library_versions_is_refused_by_name(models: Path) -> None:
    """The sentence names the library, the version it was made with, and what to do."""
    folder = _folder(models)
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["libraries"]["numpy"] = "1.0.0"
    body = json.dumps(manifest)
    (folder / MANIFEST_NAME).write_text(body)
    pin = {"version": folder.name, "manifest_sha256": hashlib.sha256(body.encode()).hexdigest()}
    (models / "current").write_text(json.dumps(pin))
    with pytest.raises(PermanentError, match=r"numpy 1\.0\.0.*install these versions or run `itaca train`"):
        load_model(models)


def test_rollback_returns_to_the_model_before(models: Path) -> None:
    """After a second promotion, one command brings the first one back; then there is nothing further back."""
    first = read_pin(models).version
    second = _second_model(models)
    promote(models, second)
    assert load_model(models).version == second
    assert rollback(models).version == first
    assert load_model(models).version == first
    with pytest.raises(PermanentError, match="no earlier model"):
        rollback(models)


def _second_model(models: Path) -> str:
    """Make another version out of the same file."""
    folder = Path(shutil.copytree(_folder(models), models / "itaca-second"))
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["version"] = folder.name
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    return folder.name


def test_a_model_that_would_be_refused_is_not_promoted(models: Path) -> None:
    """Promotion loads the model first; what is in use stays in use."""
    first = read_pin(models)
    second = _second_model(models)
    _flip(models / second)
    with pytest.raises(PermanentError):
        promote(models, second)
    assert read_pin(models) == first


def test_an_unknown_version_is_answered_with_where_to_look(models: Path) -> None:
    """Both showing and promoting name the list."""
    with pytest.raises(PermanentError, match="models list"):
        promote(models, "itaca-none")
    with pytest.raises(PermanentError, match="models list"):
        manifest_of(models, "itaca-none")
