"""Which model is in use: promotion, rollback, and the list of what is there."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from itaca.contracts.ids import ModelVersion
from itaca.errors import PermanentError
from services.classifier.gate_note import check_note
from services.classifier.manifest import MANIFEST_NAME, Manifest, parse_manifest, sha256_of
from services.classifier.model import CURRENT_NAME, Model, Pin, load_pinned, read_pin

HISTORY_LENGTH = 20


@dataclass(frozen=True)
class Listed:
    """One model folder: its manifest, and whether ``models/current`` names it."""

    manifest: Manifest
    is_current: bool


def list_models(models_dir: Path) -> list[Listed]:
    """Return the models that are there, newest first; folders whose manifest cannot be read are left out."""
    current = current_version(models_dir)
    found: list[Listed] = []
    for path in sorted(models_dir.glob(f"[!.]*/{MANIFEST_NAME}")):
        try:
            manifest = parse_manifest(path.read_bytes())
        except PermanentError:
            continue
        found.append(Listed(manifest, manifest.version == current))
    return sorted(found, key=lambda listed: listed.manifest.created_at, reverse=True)


def current_version(models_dir: Path) -> str:
    """Return the version in use, or an empty string."""
    try:
        return read_pin(models_dir).version
    except PermanentError:
        return ""


def manifest_of(models_dir: Path, version: str = "") -> Manifest:
    """Return the manifest of a model, of the one in use by default.

    Raises:
        PermanentError: there is no such model.
    """
    wanted = version or read_pin(models_dir).version
    path = models_dir / wanted / MANIFEST_NAME
    if not wanted or not path.is_file():
        raise PermanentError(f"there is no model {wanted}: `itaca models list` shows those that are there")
    return parse_manifest(path.read_bytes())


def open_version(models_dir: Path, version: str) -> Model:
    """Open a model that is not promoted, as its folder stands now.

    Raises:
        PermanentError: there is none, or it is refused.
    """
    return load_pinned(models_dir, pin_of(models_dir, version))


def pin_of(models_dir: Path, version: str) -> Pin:
    """Return what names a model as its folder stands now.

    Raises:
        PermanentError: there is none.
    """
    manifest = models_dir / version / MANIFEST_NAME
    if not manifest.is_file():
        raise PermanentError(f"there is no model {version}: `itaca models list` shows those that are there")
    return Pin(ModelVersion(version), sha256_of(manifest))


def promote(models_dir: Path, version: str, *, despite_gate: bool = False) -> Pin:
    """Make a model the one in use, after loading it once.

    The pointer is replaced by one rename: a reader sees the old or the new one, never half of it.

    Raises:
        PermanentError: there is no such model, it would be refused, or the gate refused it.
    """
    pin = pin_of(models_dir, version)
    if not despite_gate:
        check_note(models_dir / version)
    load_pinned(models_dir, pin)
    history = [entry for entry in _history(models_dir) if entry["version"] != version]
    _write_current(models_dir, pin, history)
    return pin


def rollback(models_dir: Path) -> Pin:
    """Return to the model that was in use before the present one.

    Raises:
        PermanentError: there was none, or it would be refused.
    """
    before = _history(models_dir)[1:]
    if not before:
        raise PermanentError("there is no earlier model to return to: promote one by name")
    pin = Pin(ModelVersion(before[0]["version"]), before[0]["manifest_sha256"])
    load_pinned(models_dir, pin)
    _write_current(models_dir, pin, before[1:])
    return pin


def _history(models_dir: Path) -> list[dict[str, str]]:
    """Return what was in use, the present model first."""
    try:
        found = json.loads((models_dir / CURRENT_NAME).read_text(encoding="utf-8"))
        present = {"version": str(found["version"]), "manifest_sha256": str(found["manifest_sha256"])}
        before = [{key: str(entry[key]) for key in present} for entry in found.get("before", [])]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [present, *before]


def _write_current(models_dir: Path, pin: Pin, before: list[dict[str, str]]) -> None:
    """Write beside, flush, rename, flush the folder."""
    body = {"version": pin.version, "manifest_sha256": pin.manifest_sha256, "before": before[:HISTORY_LENGTH]}
    beside = models_dir / f".{CURRENT_NAME}.{os.getpid()}.new"
    with beside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(models_dir / CURRENT_NAME)
    folder = os.open(models_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
