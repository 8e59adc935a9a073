"""From labels to a verdict, and shadow mode: a candidate never answers mail before somebody promotes it."""

import itertools
import json
from pathlib import Path

import pytest

from itaca.errors import PermanentError
from services.classifier.gate_note import GATE_NAME
from services.classifier.model import load_model, read_pin
from services.classifier.promotion import open_version
from services.classifier.shadow import shadow
from services.classifier.training.improve import improve
from tests.support.small_model import CORPUS, NOW, small_corpus


def _label_file(path: Path, mails: int = 60) -> Path:
    """Write labels out of mails that the small model was not trained on."""
    with (CORPUS / "it_plain_orders.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, mails)]
    for number, row in enumerate(rows):
        row.update(by="anna", at=f"2026-02-{1 + number % 28:02d}T08:00:00+00:00", blind=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_labels_make_a_candidate_and_a_verdict_and_promote_nothing(models: Path, tmp_path: Path) -> None:
    """The candidate stands beside the champion, the verdict names both sets of mails, the champion stays."""
    champion = read_pin(models).version
    corpus = small_corpus(tmp_path / "corpus")
    found = improve(corpus, [_label_file(tmp_path / "labels.jsonl")], models, 0, lambda _share, _what: None, NOW)
    assert found.version != champion
    assert read_pin(models).version == champion
    assert "frozen test" in found.verdict.text
    assert "newest labels" in found.verdict.text
    assert found.verdict.passed == ("may be promoted" in found.verdict.text)
    note = json.loads((models / found.version / GATE_NAME).read_text())
    assert note == {"champion": champion, "passed": found.verdict.passed, "reasons": list(found.verdict.reasons)}
    candidate = open_version(models, found.version)
    assert 30 <= candidate.manifest.labels_mails < len(found.guarded.accepted)


def test_too_few_labels_make_no_candidate(models: Path, tmp_path: Path) -> None:
    """Nothing is trained, and the sentence says how many are needed."""
    labels = _label_file(tmp_path / "labels.jsonl", mails=5)
    before = sorted(models.iterdir())
    with pytest.raises(PermanentError, match="too few"):
        improve(small_corpus(tmp_path / "corpus"), [labels], models, 0, lambda _share, _what: None, NOW)
    assert sorted(models.iterdir()) == before


def test_a_model_beside_itself_differs_nowhere(models: Path) -> None:
    """Shadow mode counts the mails and finds no difference between a model and itself."""
    model = load_model(models)
    report = shadow([CORPUS / "it_voices.jsonl"], model, model)
    assert (report.mails, report.differences) == (60, ())
