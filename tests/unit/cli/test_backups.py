"""``itaca backup`` and ``itaca restore`` on SQLite: the copy is whole, nothing is replaced, damage is seen."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.routed import COMPLAINT
from tests.support.verbs import Run
from tests.unit.cli.test_customers import at_the_desk


@pytest.fixture
def kept(ledger: Run, tmp_path: Path) -> Run:
    """Give the folder's ledger one complaint with its case, and a backup of it called kept.db."""

    async def live(desk: object) -> None:
        await desk.staff("agent")  # type: ignore[attr-defined]
        await desk.settle(COMPLAINT, "E i libri?")  # type: ignore[attr-defined]

    at_the_desk(tmp_path, live)
    assert ledger("backup", "kept.db").code == 0
    return ledger


def move_away(folder: Path) -> None:
    (folder / "var").rename(folder / "old")


def altered(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def test_a_backup_restores_into_an_empty_folder(kept: Run, tmp_path: Path) -> None:
    """What the audit counts is the same, the file is its owner's alone, and nothing lies beside it."""
    before = kept("audit", "--json").lines[0]
    move_away(tmp_path)
    said = kept("restore", "kept.db", "--json")
    assert (said.code, said.lines[0]["accepted"], said.lines[0]["problems"]) == (0, 1, [])
    after = kept("audit", "--json").lines[0]
    ages = {"oldest_unsettled_age_s", "outbox_oldest_age_s"}
    assert {k: v for k, v in after.items() if k not in ages} == {k: v for k, v in before.items() if k not in ages}
    assert stat.S_IMODE((tmp_path / "kept.db").stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kept.db", "old", "var"]


def test_what_is_only_in_the_log_is_in_the_backup(kept: Run, tmp_path: Path) -> None:
    """A commit that SQLite has not yet moved into the file, and that a copied file would lack, is there."""
    with closing(sqlite3.connect(tmp_path / "var" / "itaca.db")) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        with writer:
            writer.execute("UPDATE customers SET name = 'Newest'")
        writer.execute("BEGIN IMMEDIATE")
        assert kept("backup", "newest.db").code == 0, "and an open transaction is not waited for"
    with closing(sqlite3.connect(tmp_path / "newest.db")) as copy:
        assert copy.execute("SELECT name FROM customers").fetchone() == ("Newest",)


def test_nothing_is_replaced(kept: Run, tmp_path: Path) -> None:
    """Neither a file by a backup, nor a ledger by a restore, nor is a log left to be applied to another file."""
    assert "is there already" in kept("backup", "kept.db").err
    assert "move it away" in kept("restore", "kept.db").err
    move_away(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "itaca.db-wal").write_bytes(b"of another ledger")
    refused = kept("restore", "kept.db")
    assert (refused.code, "itaca.db-wal is there already" in refused.err) == (1, True)
    assert not (tmp_path / "var" / "itaca.db").exists()


def test_no_ledger_no_backup(itaca: Run, tmp_path: Path) -> None:
    """A wrong folder is told apart from an empty ledger, and nothing is left of the attempt."""
    said = itaca("backup", "none.db")
    assert (said.code, "there is no ledger at" in said.err) == (1, True)
    assert list(tmp_path.iterdir()) == []
    assert "cannot be written: No such file or directory" in itaca("backup", "no/where.db").err


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "use a newer Itaca"),
        ("DROP TABLE alembic_version", "no ledger is in it"),
        ("UPDATE cases SET owner_id = 'nobody'", "refers to nothing"),
    ],
)
def test_what_cannot_be_used_is_refused(kept: Run, tmp_path: Path, statement: str, sentence: str) -> None:
    """The place stays empty, and the sentence says why."""
    with closing(sqlite3.connect(tmp_path / "kept.db")) as copy:
        for (trigger,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {trigger}")
    altered(tmp_path / "kept.db", statement)
    move_away(tmp_path)
    refused = kept("restore", "kept.db")
    assert (refused.code, sentence in refused.err) == (1, True), refused.err
    assert list((tmp_path / "var").iterdir()) == []


def test_damage_is_seen(kept: Run, tmp_path: Path) -> None:
    """A file cut short, one with pages of something else, and one that never was a backup."""
    whole = (tmp_path / "kept.db").read_bytes()
    move_away(tmp_path)
    middle = len(whole) // 2
    for broken in (whole[:middle], whole[:8192] + bytes(65536) + whole[73728:], whole[:100], b"Gentile cliente"):
        (tmp_path / "broken.db").write_bytes(broken)
        refused = kept("restore", "broken.db")
        assert (refused.code, refused.err.startswith("itaca: ")) == (1, True), refused
        assert not list((tmp_path / "var").iterdir()) if (tmp_path / "var").exists() else True
    (tmp_path / "other.dump").write_bytes(b"PGDMP\x01\x0e")
    assert "a backup of postgresql, and ITACA_DATABASE_URL names sqlite" in kept("restore", "other.dump").err


def test_an_older_schema_is_kept_as_it_is(kept: Run, tmp_path: Path) -> None:
    """A backup before an upgrade needs no upgrade; its books are counted after one."""
    altered(tmp_path / "var" / "itaca.db", "UPDATE alembic_version SET version_num = '0001'")
    said = kept("backup", "before.db")
    assert (said.code, "`itaca up` will upgrade it" in said.out) == (0, True)


def test_books_that_do_not_balance_are_told(kept: Run, tmp_path: Path) -> None:
    """The backup is made all the same: it is the evidence."""
    file = tmp_path / "var" / "itaca.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE promises SET state = 'kept', ended_at = made_at")
    said = kept("backup", "odd.db")
    assert (said.code, "PROBLEM: 1 open cases have no open promise" in said.err) == (0, True), said
    assert (tmp_path / "odd.db").exists()
