"""Loading a model, or refusing it: nothing is unpickled before every byte is known to be the promoted one.

``models/current`` names the version and pins the SHA-256 of its manifest; the manifest pins every file.
"""

import hashlib
import io
import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib

from itaca.contracts.events import Judgement, WrittenText
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent, Verdict
from itaca.errors import PermanentError
from services.classifier.explain import TOP_SPANS, explain_weighed
from services.classifier.manifest import MANIFEST_NAME, MODEL_NAME, Manifest, parse_manifest, present_libraries
from services.classifier.scorer import Scorer, unpack
from services.classifier.vectors import Array
from services.classifier.verdicts import review_reasons, verdicts_for

CURRENT_NAME = "current"


@dataclass(frozen=True)
class Pin:
    """What ``models/current`` says: a version and the SHA-256, in hex, of its manifest."""

    version: ModelVersion
    manifest_sha256: str


class Model:
    """One immutable model: judges texts, the same text always the same way, and says what carried each intent."""

    def __init__(self, manifest: Manifest, scorer: Scorer) -> None:
        self.manifest = manifest
        self.version = ModelVersion(manifest.version)
        self.scorer = scorer
        self._unproven = frozenset(manifest.unproven_languages)

    def judge(self, texts: Sequence[WrittenText], *, with_spans: bool = True) -> list[Judgement]:
        """Return one judgement per text, in order; a text's judgement does not depend on its neighbours.

        Spans are given for the intents that are not answered no; without them a judgement costs a third less.
        """
        return [self._judge(text, with_spans=with_spans) for text in texts]

    def _judge(self, text: WrittenText, *, with_spans: bool) -> Judgement:
        sentences = self.scorer.split(text, text.new_text)
        weighed = self.scorer.votes.vectoriser.weigh_all(sentences)
        scores = _by_intent(self.scorer.score(text, text.new_text, weighed))
        verdicts = verdicts_for(scores, self.manifest.thresholds)
        whole = None
        if text.quoted_text:
            both = self.scorer.probabilities(text, f"{text.new_text}\n{text.quoted_text}")
            whole = verdicts_for(_by_intent(both), self.manifest.thresholds)
        unknown = self.scorer.votes.vectoriser.unknown_share(sentences)
        reasons = review_reasons(text, verdicts, whole, self._unproven, unknown)
        held = [intent for intent in Intent if with_spans and verdicts[intent] is not Verdict.NO]
        return Judgement(
            model=self.version,
            scores=scores,
            verdicts=verdicts,
            needs_review=bool(reasons),
            review_reasons=reasons,
            language=text.language,
            spans=explain_weighed(self.scorer.votes, text, sentences, weighed, held, TOP_SPANS) if held else (),
        )


def _by_intent(probabilities: Array) -> dict[Intent, float]:
    return {intent: round(float(value), 6) for intent, value in zip(Intent, probabilities, strict=True)}


def read_pin(models_dir: Path) -> Pin:
    """Read ``models/current``.

    Raises:
        PermanentError: there is none, or it is not what a promotion writes.
    """
    try:
        found = json.loads((models_dir / CURRENT_NAME).read_text(encoding="utf-8"))
        return Pin(ModelVersion(str(found["version"])), str(found["manifest_sha256"]))
    except OSError as error:
        raise PermanentError("no model is promoted: run `itaca train`, then `itaca models promote`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError("models/current cannot be read: run `itaca models promote VERSION` again") from error


def load_model(models_dir: Path) -> Model:
    """Load the promoted model.

    Raises:
        PermanentError: there is none, or it is not byte for byte what was promoted, or it was made with other
            library versions; the sentence says what to do. In all these cases no code of the file has run.
    """
    return load_pinned(models_dir, read_pin(models_dir))


def load_pinned(models_dir: Path, pin: Pin) -> Model:
    """Load the model that a pin names; as ``load_model``.

    Raises:
        PermanentError: as for ``load_model``.
    """
    if not pin.version or pin.version != Path(pin.version).name or pin.version.startswith("."):
        raise PermanentError("models/current names no folder: run `itaca models promote VERSION` again")
    folder = models_dir / pin.version
    _check_folder(folder)
    body = _read(folder / MANIFEST_NAME)
    if hashlib.sha256(body).hexdigest() != pin.manifest_sha256:
        raise PermanentError(
            f"the manifest of model {pin.version} is not the promoted one: promote the model again after checking "
            "who changed it, or roll back with `itaca models rollback`"
        )
    manifest = parse_manifest(body)
    _check_libraries(manifest.version, manifest.libraries)
    return Model(manifest, _open(folder, manifest))


def _check_folder(folder: Path) -> None:
    """Refuse a folder that others than its owner may write to."""
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise PermanentError(f"model folder {folder.name} is not there: promote another model") from error
    if mode & stat.S_IWOTH:
        raise PermanentError(f"model folder {folder.name} is writable for everybody: run chmod o-w on it")


def _check_libraries(version: str, made_with: Mapping[str, str]) -> None:
    present = present_libraries()
    wrong = [
        f"{name} {made_with.get(name, 'unknown')} (here {present[name]})"
        for name in present
        if made_with.get(name) != present[name]
    ]
    if wrong:
        raise PermanentError(
            f"model {version} was made with {', '.join(wrong)}: install these versions or run `itaca train` here"
        )


def _open(folder: Path, manifest: Manifest) -> Scorer:
    """Compare the model file with the manifest and only then unpickle the bytes that were compared."""
    expected = manifest.files.get(MODEL_NAME)
    body = _read(folder / MODEL_NAME)
    if expected is None or len(body) != expected.size_bytes or hashlib.sha256(body).hexdigest() != expected.sha256:
        raise PermanentError(
            f"{MODEL_NAME} of model {manifest.version} is not the file its manifest describes: restore it from a "
            "backup or roll back with `itaca models rollback`"
        )
    try:
        return unpack(joblib.load(io.BytesIO(body)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentError(f"model {manifest.version} does not fit this release: run `itaca train`") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PermanentError(f"{path.parent.name}/{path.name} cannot be read: promote another model") from error
