"""The page about reliability names tests that exist, all ways to lose mail, and figures without a loss."""

import ast
import re
from functools import cache

from tests.architecture.sources import ROOT
from tests.fault.page import PAGE, START, with_rows, written_rows
from tests.fault.rows import FAULTS

LOSSES = 34
NOT_BUILT = "not built yet"
_ROW = re.compile(r"^\| (?P<id>LM\d+) \| .+ \| (?P<test>[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(?P<path>tests/\S+\.py)::(?P<name>\w+)`")


def losses() -> dict[str, str]:
    """Return the last cell of each row of the table of losses."""
    return {match["id"]: match["test"].strip() for match in _ROW.finditer(PAGE.read_text(encoding="utf-8"))}


@cache
def sentences_of(path: str) -> dict[str, str]:
    """Return the tests of a file with their docstrings."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name: ast.get_docstring(function) or "" for function in functions}


def test_every_way_to_lose_mail_is_mapped() -> None:
    """All 34 ids stand in the table, each with a test or the plain words that there is none yet."""
    found = losses()
    assert list(found) == [f"LM{number}" for number in range(1, LOSSES + 1)]
    assert [loss for loss, test in found.items() if test != NOT_BUILT and not _TEST.fullmatch(test)] == []


def test_every_named_test_exists_and_cites_its_loss() -> None:
    """The test is there under its path, and its name or its sentence holds the id."""
    wrong = []
    for loss, cell in losses().items():
        if match := _TEST.fullmatch(cell):
            known = sentences_of(match["path"]) if (ROOT / match["path"]).exists() else {}
            sentence = known.get(match["name"])
            cites = re.search(rf"\b{loss}\b", f"{match['name'].replace('_', ' ')} {sentence}", re.IGNORECASE)
            if sentence is None or not cites:
                wrong.append(f"{loss}: {cell}")
    assert wrong == []


def test_the_table_of_faults_is_what_was_measured_and_has_no_loss() -> None:
    """Each row of the page is declared under the same words, was measured, and lost and doubled nothing."""
    text = PAGE.read_text(encoding="utf-8")
    rows = written_rows(text)
    assert START in text
    declared = {fault.id: fault.does for fault in FAULTS}
    assert {row.id: row.does for row in rows.values() if declared.get(row.id) != row.does} == {}, "run `make faults`"
    assert [row.id for row in rows.values() if row.is_measured and not row.is_clean] == []
    assert [row.id for row in rows.values() if not row.is_measured and "not possible" not in row.figures[0]] == []
    assert with_rows(text, rows) == text
