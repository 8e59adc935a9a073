"""The manifest of a model folder: what it holds, what it was made from, and what it may be trusted with."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.verdicts import Thresholds

MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.joblib"
REPORT_NAME = "report.md"
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Strict):
    """One file of the folder: size in bytes and SHA-256 in hex."""

    size_bytes: int
    sha256: str


class Interval(_Strict):
    """A figure with its 95 % interval, and how many mails it rests on."""

    value: float
    low: float
    high: float
    mails: int


class Manifest(_Strict):
    """Everything that must be known before a model is opened."""

    format: Literal[1] = 1
    version: str
    created_at: str
    files: dict[str, ModelFile]
    libraries: dict[str, str]
    corpus_digest: str
    corpus_mails: int
    seed: int
    intents: tuple[Intent, ...]
    thresholds: dict[Intent, Thresholds]
    threshold_rule: str
    unproven_languages: tuple[str, ...] = ()
    scores: dict[str, dict[str, Interval]] = Field(default_factory=dict)
    """By slice (``all``, a language, ``hard``, ...) and then by figure."""
    labels_mails: int = 0


def present_libraries() -> dict[str, str]:
    """Return the versions that a model file depends on; Python's by major and minor number."""
    libraries = {name: version(name) for name in LIBRARIES}
    libraries["python"] = ".".join(platform.python_version_tuple()[:2])
    return libraries


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe_file(path: Path) -> ModelFile:
    """Return size and digest of a file."""
    return ModelFile(size_bytes=path.stat().st_size, sha256=sha256_of(path))


def parse_manifest(body: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        PermanentError: it is no manifest of this format.
    """
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, e["loc"])) or "the file" for e in error.errors()}))
        raise PermanentError(f"the manifest cannot be read ({fields}): run `itaca train` for a new model") from None
