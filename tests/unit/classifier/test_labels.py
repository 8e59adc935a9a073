"""Labels: where they come from, and the guards against poisoned ones."""

import json
import mailbox
from pathlib import Path

import pytest

from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from services.classifier.training.label_sources import import_labels, labelled_rows, labels_named
from services.classifier.training.labels import (
    MAX_PER_SENDER,
    Label,
    guard,
    hold_back,
    label_from_row,
    read_labels,
)

AT = "2026-03-01T10:00:00+00:00"
KINDS = (["order"], ["complaint"], ["cancellation"], ["other"])
WORDS = ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici"]


def _row(number: int, **fields: object) -> dict[str, object]:
    body = f"testo {WORDS[number % 12]} {WORDS[number // 12 % 12]}"
    return {
        "id": f"m{number}",
        "subject": "",
        "body": body,
        "from": f"cliente{number}@example.it",
        "labels": KINDS[number % 4],
        "by": "anna@azienda.example",
        "at": f"2026-03-{1 + number % 28:02d}T10:00:00+00:00",
        **fields,
    }


def _labels(count: int, **fields: object) -> list[Label]:
    return [label_from_row(_row(number, **fields)) for number in range(count)]


def test_honest_labels_pass() -> None:
    """Forty labels of four kinds by a person go through untouched."""
    guarded = guard(_labels(40))
    assert len(guarded.accepted) == 40
    assert sum(guarded.set_aside.values()) == 0


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"by": ""}, "nobody"),
        ({"by": "model:itaca-1"}, "nobody"),
        ({"from": "x@example.it", "by": "X@example.it"}, "sender of the mail"),
        ({"headers": {"Auto-Submitted": "auto-replied"}}, "machine"),
    ],
)
def test_a_label_needs_a_person_who_did_not_write_the_mail(fields: dict[str, object], why: str) -> None:
    """No name, the machine's own answer, the sender, or an automatic mail: set aside with the reason."""
    bad = label_from_row(_row(99, **fields))
    guarded = guard([*_labels(40), bad])
    assert len(guarded.accepted) == 40
    assert any(why in reason for reason in guarded.set_aside)


def test_a_flood_from_one_sender_is_capped() -> None:
    """A hundred mails of one address count as a handful, the newest."""
    flood = _labels(100, **{"from": "flood@example.it"})
    guarded = guard([*_labels(40), *[label for label in flood if int(label.example.id[1:]) >= 40]])
    assert sum(label.sender == "flood@example.it" for label in guarded.accepted) == MAX_PER_SENDER


def test_copies_count_once_and_contradictions_not_at_all() -> None:
    """The same text twice is one label; with two different labels it is none."""
    same = label_from_row(_row(0, id="copy"))
    contrary = label_from_row(_row(1, id="contrary", labels=["cancellation", "order"]))
    guarded = guard([*_labels(40), same, contrary])
    ids = {label.example.id for label in guarded.accepted}
    assert len(ids & {"m0", "copy"}) == 1
    assert not ids & {"m1", "contrary"}


def test_too_few_or_too_uneven_labels_train_nothing() -> None:
    """The sentence says how many are needed, or which kind is too many."""
    with pytest.raises(PermanentError, match="too few"):
        guard(_labels(10))
    with pytest.raises(PermanentError, match="order"):
        guard(_labels(40, labels=["order"]))


def test_the_newest_are_held_back_with_their_customers() -> None:
    """A fifth, the newest, judges; no customer stands on both sides."""
    labels = guard(_labels(40)).accepted
    learned, newest = hold_back(labels)
    assert len(newest) == 8
    assert max(label.at for label in learned) <= min(label.at for label in newest)
    assert not {label.example.customer for label in learned} & {label.example.customer for label in newest}


@pytest.mark.parametrize("labels", [[], ["gripe"], ["other", "order"]])
def test_a_label_that_makes_no_sense_is_refused(labels: list[str]) -> None:
    """None, an unknown one, or other beside an intent."""
    with pytest.raises(PermanentError, match="labels must be"):
        label_from_row(_row(1, labels=labels))


def test_folder_names_name_intents() -> None:
    """English and Italian, one or several; anything else is refused by name."""
    assert labels_named("reclami") == ["complaint"]
    assert labels_named("order+complaint") == ["order", "complaint"]
    with pytest.raises(PermanentError, match="inbox"):
        labels_named("inbox")


def test_folders_named_by_intent_become_labels(tmp_path: Path) -> None:
    """A Maildir and an mbox are read, history is still split off, and who labelled is kept."""
    raw = b"From: C <c@example.it>\nSubject: Ciao\n\nNon e' arrivato.\n\nIl 3 marzo 2026 Voi ha scritto:\n> Ordine\n"
    (tmp_path / "mail").mkdir()
    mailbox.Maildir(tmp_path / "mail" / "reclami", create=True).add(raw)
    box = mailbox.mbox(tmp_path / "mail" / "altro.mbox")
    box.add(b"From: d@example.it\nSubject: Grazie\n\nGrazie mille.\n")
    box.close()
    target = tmp_path / "labels" / "march.jsonl"
    assert import_labels([labelled_rows(tmp_path / "mail")], target, "anna", AT) == 2
    other, complaint = read_labels([target])
    assert complaint.example.labels == {Intent.COMPLAINT}
    assert complaint.example.text.new_text == "Non e' arrivato."
    assert "Ordine" in complaint.example.text.quoted_text
    assert (complaint.sender, complaint.by) == ("c@example.it", "anna")
    assert other.example.labels == frozenset()


def test_a_table_becomes_labels(tmp_path: Path) -> None:
    """CSV with a column of labels, as a spreadsheet writes it; a row's own author goes before the given one."""
    path = tmp_path / "sheet.csv"
    path.write_text(
        "subject,body,labels,by\nCiao,mandate 3 scatole,order,bruno\nBasta,chiudete,disdette,\n", "utf-8-sig"
    )
    target = tmp_path / "labels.jsonl"
    assert import_labels([labelled_rows(path)], target, "anna", AT) == 2
    assert [(label.by, set(label.example.labels)) for label in read_labels([target])] == [
        ("bruno", {Intent.ORDER}),
        ("anna", {Intent.CANCELLATION}),
    ]


def test_one_bad_row_adds_nothing(tmp_path: Path) -> None:
    """An import is whole or not at all."""
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(_row(n, labels=["order"] if n else ["gripe"])) for n in (1, 0)))
    with pytest.raises(PermanentError):
        import_labels([labelled_rows(path)], tmp_path / "labels.jsonl", "anna", AT)
    assert not (tmp_path / "labels.jsonl").exists()


def test_one_folder_or_file_may_be_named_itself(tmp_path: Path) -> None:
    """A Maildir and an mbox, each under the name of its intent, need no folder around them."""
    raw = b"From: c@example.it\nSubject: Ciao\n\nNon e' arrivato.\n"
    mailbox.Maildir(tmp_path / "reclami", create=True).add(raw)
    (tmp_path / "order+complaint.mbox").write_bytes(b"From c@example.it Sun Mar  1 10:00:00 2026\n" + raw)
    paths = (tmp_path / "reclami", tmp_path / "order+complaint.mbox")
    rows = [row for path in paths for row in labelled_rows(path)]
    assert [row["labels"] for row in rows] == [["complaint"], ["order", "complaint"]]


def test_a_mail_of_the_ledger_is_read_as_it_was_judged(tmp_path: Path) -> None:
    """Its text is not taken apart a second time, and a text that is none is refused by field."""
    written = {"subject": "Re: x", "new_text": "Sì\n> citato da me", "language": "it", "flags": ["html_only"]}
    path = tmp_path / "desk.jsonl"
    path.write_text(json.dumps(_row(1, written=written)) + "\n", encoding="utf-8")
    (label,) = read_labels([path])
    assert label.example.text.model_dump(exclude_defaults=True, mode="json") == written
    path.write_text(json.dumps(_row(1, written={"subject": "x", "body": "y"})) + "\n", encoding="utf-8")
    with pytest.raises(PermanentError, match=r"line 1: .*new_text, body"):
        read_labels([path])


@pytest.mark.parametrize("fields", [{"labels": None}, {"at": "yesterday"}, {"labels": 3}])
def test_a_row_that_is_no_label_is_named(tmp_path: Path, fields: dict[str, object]) -> None:
    """Which mail, by number and id; nothing is written."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(_row(0)) + "\n" + json.dumps(_row(1, **fields)) + "\n", encoding="utf-8")
    with pytest.raises(PermanentError, match=r"mail 2 \(m1\) is not labelled"):
        import_labels([labelled_rows(path)], tmp_path / "labels.jsonl", "anna", AT)
    assert not (tmp_path / "labels.jsonl").exists()
