"""Mails from files: every form gives the same text for the same mail."""

import json
import mailbox
from pathlib import Path

import pytest

from itaca.errors import PermanentError
from services.classifier.commands import classify
from services.classifier.sources import read_sources

RAW = (
    b"From: a@example.it\r\nTo: b@example.it\r\nSubject: Reclamo\r\n\r\n"
    b"Il pacco non e' arrivato.\r\n\r\n> vecchio testo\r\n"
)


def _sources(path: Path) -> list[tuple[str, str]]:
    return [(source.text.subject, source.text.new_text.strip()) for source in read_sources([path])]


EXPECTED = [("Reclamo", "Il pacco non e' arrivato.")]


def test_an_eml_file(tmp_path: Path) -> None:
    """One file, one mail, named after the file."""
    (tmp_path / "a.eml").write_bytes(RAW)
    assert _sources(tmp_path / "a.eml") == EXPECTED
    assert _sources(tmp_path) == EXPECTED


def test_an_mbox_and_a_maildir(tmp_path: Path) -> None:
    """Both hold the same mails as their files."""
    box = mailbox.mbox(tmp_path / "box")
    box.add(RAW)
    box.close()
    folder = mailbox.Maildir(tmp_path / "maildir", create=True)
    folder.add(RAW)
    assert _sources(tmp_path / "box") == EXPECTED
    assert _sources(tmp_path / "maildir") == EXPECTED


def test_json_lines_are_read_by_the_same_rules(tmp_path: Path) -> None:
    """Quotes are split off, and a header says that a machine wrote it."""
    row = {
        "id": 7,
        "subject": "Reclamo",
        "body": "Il pacco non e' arrivato.\n\n> vecchio testo",
        "headers": {"Auto-Submitted": "auto-replied"},
        "cc": ["redazione@giornale.example"],
        "attachments": ["foto.jpg"],
    }
    path = tmp_path / "mails.jsonl"
    path.write_text(json.dumps(row) + "\n\n" + json.dumps({"subject": None, "body": None}) + "\n")
    first, second = read_sources([path])
    assert (first.id, first.text.new_text, first.text.quoted_text) == ("7", EXPECTED[0][1], "> vecchio testo")
    assert first.text.flags[0] == "automatic:auto_reply"
    assert first.text.recipients == ("redazione",)
    assert first.text.attachment_names == ("foto.jpg",)
    assert second.id == "mails.jsonl:3"


@pytest.mark.parametrize("line", ["{", "[]", '{"subject": 3}', '{"headers": "x"}'])
def test_a_line_that_is_no_mail_is_named(tmp_path: Path, line: str) -> None:
    """The file and the number of the line are in the message."""
    path = tmp_path / "mails.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(PermanentError, match=r"mails\.jsonl, line 1"):
        list(read_sources([path]))


def test_an_empty_folder_holds_no_mail(tmp_path: Path) -> None:
    """It is said, not passed over."""
    with pytest.raises(PermanentError, match="holds no mail"):
        list(read_sources([tmp_path]))


def test_classify_prints_what_was_agreed(tmp_path: Path, trained_models: Path) -> None:
    """Each row has id, intents, scores, verdicts, review, language and model, and the spans when asked for."""
    (tmp_path / "a.eml").write_bytes(RAW)
    (row,) = classify([tmp_path / "a.eml"], trained_models, explain=True)
    assert {"id", "intents", "scores", "verdicts", "review", "language", "model", "spans"} <= set(row)
    assert row["intents"] == [intent for intent, verdict in row["verdicts"].items() if verdict == "yes"]
    assert json.loads(json.dumps(row)) == row
