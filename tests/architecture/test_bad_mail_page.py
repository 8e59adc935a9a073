"""The page about bad mail names tests that exist."""

import re

from tests.architecture.sources import ROOT, sources

PAGE = ROOT / "docs" / "bad-mail.md"


def test_every_row_names_tests_that_exist() -> None:
    """Each row of the table has a test, and each test that it names is there."""
    known = {f.name for source in sources("tests") for f in source.functions()}
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert len(rows) >= 30
    assert all(named)
    assert {name for names in named for name in names} - known == set()
