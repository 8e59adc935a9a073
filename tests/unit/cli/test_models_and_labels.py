"""The verbs of retraining: what they print, what they refuse, and what they leave in files and in the ledger."""

import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from itaca.clock import SystemClock
from itaca.mail.model import Envelope, MailText
from itaca.storage.database import Database
from itaca.storage.intake import Intake
from itaca.storage.mails import save_texts
from itaca.storage.open import open_database
from itaca.storage.people import ensure_first_owner
from tests.support.scripted_imap import PASSWORD, USER, imap_account
from tests.support.small_model import small_corpus
from tests.support.verbs import Run

ANNA = "anna@azienda.example"
MAIL = b"From: C <c@example.it>\nSubject: Pacco\n\nNon e' arrivato.\n"


def one_mail(tmp_path: Path) -> str:
    """Put one mail and Anna into the ledger and return the mail's id."""

    async def fill() -> str:
        database: Database = await open_database(f"sqlite:///{tmp_path / 'var' / 'itaca.db'}")
        intake = Intake(database, SystemClock(), random.Random(1))
        accepted = await intake.accept(Envelope(sender="c@example.it", recipients=(ANNA,)), MAIL, "127.0.0.1")
        read = MailText(subject="Pacco", new_text="Non e' arrivato.", language="it", sender="c@example.it")
        now, rng = datetime.now(UTC), random.Random(2)
        await database.write(lambda c: ensure_first_owner(c, ANNA, "Anna", now, rng))
        await database.write(lambda c: save_texts(c, [(accepted.mail_id, read)]))
        await intake.close()
        await database.close()
        return str(accepted.mail_id)

    return asyncio.run(fill())


def test_models_are_listed_and_shown(itaca: Run, models: Path) -> None:
    """A program gets JSON, a person a table; without a version the one in use is shown."""
    (listed,) = itaca("models", "list", "--json").lines
    assert listed["current"] is True
    (shown,) = itaca("models", "show", "--json").lines
    assert shown["version"] == listed["version"]
    assert str(listed["version"]) in itaca("models", "list").out
    assert "yes from" in itaca("models", "show", str(listed["version"])).out
    assert itaca("models", "show", "itaca-none").code == 1


def test_the_folder_of_models_is_the_one_that_the_classifier_uses(itaca: Run, trained_models: Path) -> None:
    """The classifier's own setting leads every verb to its models."""
    (listed,) = itaca("models", "list", "--json", ITACA_CLASSIFIER_MODELS_DIR=str(trained_models)).lines
    assert listed["current"] is True
    assert itaca("models", "list").out == "No models.\n"


@pytest.mark.slow
def test_the_share_of_complaints_that_may_be_missed_is_a_choice(itaca: Run, models: Path, tmp_path: Path) -> None:
    """The bound asked for is the one that the model's rule names; a share beyond a fifth is a slip of the pen."""
    corpus = str(small_corpus(tmp_path / "corpus"))
    (made,) = itaca("train", "--corpus", corpus, "--alpha", "0.05", "--json").lines
    (shown,) = itaca("models", "show", str(made["version"]), "--json").lines
    assert "missed at most 5.0% at confidence 90%" in str(shown["threshold_rule"])
    assert itaca("train", "--corpus", corpus, "--alpha", "2").code == 2


def test_a_refusal_of_the_gate_stands_until_somebody_overrules_it(itaca: Run, models: Path) -> None:
    """The reasons are repeated; --despite-gate is said in so many words; an unreadable note is no permission."""
    version = str(itaca("models", "show", "--json").lines[0]["version"])
    note = models / version / "gate.json"
    note.write_text(json.dumps({"champion": "itaca-x", "passed": False, "reasons": ["it misses 9 complaints"]}))
    refused = itaca("models", "promote", version)
    assert (refused.code, refused.out) == (1, "")
    assert "it misses 9 complaints" in refused.err
    assert itaca("models", "promote", version, "--despite-gate").out == f"{version}\n"
    note.write_text("{}")
    assert itaca("models", "promote", version).code == 1


def test_there_is_nothing_to_roll_back_to_at_first(itaca: Run, models: Path) -> None:
    """The answer is no, in words."""
    said = itaca("models", "rollback")
    assert (said.code, said.out) == (1, "")
    assert "no earlier model" in said.err


def test_a_model_is_measured_and_compared_on_files(itaca: Run, models: Path, tmp_path: Path) -> None:
    """Figures of all and of each language; beside itself a model differs nowhere."""
    path = str(small_corpus(tmp_path / "few") / "en.jsonl")
    (found,) = itaca("evaluate", path, "--json").lines
    assert set(found["figures"]) == {"all", "en"}  # type: ignore[call-overload]
    assert "macro f1" in itaca("evaluate", path).out
    version = str(found["model"])
    assert itaca("models", "shadow", version, path).out.endswith(" mails, 0 differ\n")
    (compared,) = itaca("models", "shadow", version, path, "--json").lines
    assert compared["differences"] == []


def test_labels_come_from_files_and_mailboxes_together(itaca: Run, tmp_path: Path) -> None:
    """An mbox named by intent and an IMAP folder go into one file; the password comes from a file."""
    (tmp_path / "altro.mbox").write_bytes(b"From c@example.it Sun Mar  1 10:00:00 2026\n" + MAIL)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    with imap_account({"Reclami": [MAIL, MAIL]}) as account:
        address = f"imap://{USER.replace('@', '%40')}@127.0.0.1:{account.port}/Reclami=complaint"
        asked = ("--imap", address, "--password-file", "password", "--by", ANNA, "--to", "l/march.jsonl")
        said = itaca("label", "import", "altro.mbox", *asked)
    assert (said.code, said.out) == (0, "imported 3\n"), said.err
    rows = [json.loads(line) for line in (tmp_path / "l" / "march.jsonl").read_text().splitlines()]
    assert [row["labels"] for row in rows] == [["other"], ["complaint"], ["complaint"]]
    assert {row["by"] for row in rows} == {ANNA}


def test_a_label_of_the_ledger_comes_out_as_training_reads_it(ledger: Run, tmp_path: Path) -> None:
    """The newest word of a person, with the text that was judged, in a file for its owner's eyes."""
    mail_id = one_mail(tmp_path)
    assert ledger("label", "set", mail_id, "order", "--by", ANNA).code == 0
    said = ledger("label", "set", mail_id.upper(), "order", "complaint", "--by", ANNA, "--blind")
    assert (said.code, said.out) == (0, f"{mail_id.upper()} is complaint+order, says {ANNA}.\n")
    assert ledger("label", "export", "--to", "out/desk.jsonl").out == "exported 1\n"
    path = tmp_path / "out" / "desk.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    row = json.loads(path.read_text())
    assert (row["id"], row["labels"], row["by"], row["blind"]) == (mail_id, ["complaint", "order"], ANNA, True)
    assert row["written"]["new_text"] == "Non e' arrivato."
    again = ledger("label", "import", str(path), "--by", "bruno@azienda.example", "--to", "again.jsonl")
    assert again.out == "imported 1\n"
    assert json.loads((tmp_path / "again.jsonl").read_text())["by"] == ANNA


def test_a_label_for_no_mail_or_by_nobody_is_refused(ledger: Run, tmp_path: Path) -> None:
    """Each with the sentence that says what is missing."""
    mail_id = one_mail(tmp_path)
    unknown = ledger("label", "set", mail_id[:-1] + "x", "order", "--by", ANNA)
    stranger = ledger("label", "set", mail_id, "order", "--by", "x@example.it")
    assert (unknown.code, stranger.code) == (1, 1)
    assert "no mail" in unknown.err
    assert "nobody has the address" in stranger.err


@pytest.mark.parametrize(
    "words",
    [
        ("label", "set", "x", "gripe", "--by", ANNA),
        ("label", "set", "x", "other", "order", "--by", ANNA),
        ("label", "import", "--by", ANNA, "--to", "l.jsonl"),
        ("label", "export"),
        ("train", "--with", "no-such-file.jsonl"),
        ("models", "promote"),
    ],
    ids=" ".join,
)
def test_misuse_is_2(words: tuple[str, ...], itaca: Run) -> None:
    """What was typed wrongly is told apart from an answer that is no."""
    said = itaca(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err
