"""``itaca customers``: one customer shown, copied and forgotten, on the ledger of this folder."""

import asyncio
import json
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from itaca.contracts.ids import CustomerId
from tests.support import personal
from tests.support.ledger import open_ledger
from tests.support.personal import ADDRESS, CONTRACT, RAW, WORD
from tests.support.routed import COMPLAINT, Desk
from tests.support.verbs import Run

PLANTED = [spelled.encode() for spelled in (WORD, WORD.lower(), WORD.upper())]


def at_the_desk(folder: Path, work: Callable[[Desk], Coroutine[Any, Any, Any]]) -> Any:
    """Let something happen in the ledger of this folder."""

    async def run() -> Any:
        async with open_ledger(f"sqlite:///{folder / 'var' / 'itaca.db'}") as ledger:
            return await work(Desk(ledger))

    return asyncio.run(run())


async def live(desk: Desk) -> CustomerId:
    await desk.staff("agent", "lead")
    return await personal.live(desk)


@pytest.fixture
def customer(ledger: Run, tmp_path: Path) -> CustomerId:
    """Give the ledger of this folder one customer whose matters have all ended."""
    return CustomerId(at_the_desk(tmp_path, live))


def files_of(folder: Path) -> bytes:
    """Return what lies on the disk: the database and its log."""
    return b"".join(file.read_bytes() for file in sorted((folder / "var").glob("itaca.db*")))


def test_an_erased_customer_is_nowhere_in_the_files(ledger: Run, customer: CustomerId, tmp_path: Path) -> None:
    """LM32: not in free pages and not in the log; the audit is content, and so it is when a program reads it."""
    assert all(word in files_of(tmp_path) for word in PLANTED)
    said = ledger("customers", "erase", ADDRESS, "--reason", "letter of 9 March", "--yes", "--json")
    assert (said.code, said.lines[0]["customer_id"], said.lines[0]["mails"]) == (0, customer, 4)
    assert [word for word in PLANTED if word in files_of(tmp_path)] == []
    assert ledger("audit").code == 0
    shown = ledger("customers", "show", customer)
    assert "4 mails and" in shown.out
    assert "letter of 9 March" in shown.out
    found = ledger("customers", "show", CONTRACT.value, "--json").lines[0]
    assert (found["customer_id"], found["name"], found["addresses"]) == (customer, "", [])


def test_an_export_is_a_folder_or_a_zip(ledger: Run, customer: CustomerId, tmp_path: Path) -> None:
    """The same files in both: the index, each mail byte for byte, the files of our answers."""
    assert ledger("customers", "export", ADDRESS, "anna.zip").code == 0
    assert ledger("customers", "export", customer, "anna").code == 0
    with zipfile.ZipFile(tmp_path / "anna.zip") as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    folder = tmp_path / "anna"
    assert files == {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert RAW in files.values()
    assert json.loads(files["index.json"])["customer"]["addresses"] == [ADDRESS]
    again = ledger("customers", "export", ADDRESS, "anna")
    assert (again.code, "there already" in again.err) == (1, True)


def test_what_is_under_way_is_named(ledger: Run, customer: CustomerId, tmp_path: Path) -> None:
    """The exit code is 1, and the sentence says what to do; a stranger is unknown."""
    at_the_desk(tmp_path, lambda desk: desk.settle(COMPLAINT, "E i libri?", sender=ADDRESS))
    refused = ledger("customers", "erase", ADDRESS, "--reason", "letter", "--yes")
    assert refused.code == 1
    assert "(complaint) is open: close it with its outcome" in refused.err
    assert "under way" in ledger("customers", "show", ADDRESS).out
    assert ledger("customers", "show", "nobody@posta.example").code == 1


def test_a_restored_backup_is_erased_again(ledger: Run, customer: CustomerId, tmp_path: Path) -> None:
    """The list kept beside the backup erases whoever came back with it, once."""
    file = tmp_path / "var" / "itaca.db"
    backup = file.read_bytes()
    ledger("customers", "erase", ADDRESS, "--reason", "letter", "--yes")
    stones = ledger("customers", "erased", "--json")
    (tmp_path / "erased.jsonl").write_text(stones.out + json.dumps({**stones.lines[0], "customer_id": "no"}))
    file.write_bytes(backup)
    assert WORD in ledger("customers", "show", ADDRESS).out
    said = ledger("customers", "erase-again", "erased.jsonl")
    assert (said.code, "no customer has the id no" in said.out) == (0, True)
    assert [word for word in PLANTED if word in files_of(tmp_path)] == []
    assert ledger("customers", "erase-again", "erased.jsonl").code == 0
    assert len(ledger("customers", "erased").out.splitlines()) == 1
    (tmp_path / "other.jsonl").write_text("[1]\n")
    assert ledger("customers", "erase-again", "other.jsonl").code == 1
