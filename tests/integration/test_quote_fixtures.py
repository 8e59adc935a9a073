"""How often new text is told from history as others expect it, on replies collected by other projects."""

import re

from itaca.mail.quotes import split_quotes
from tests.support.require import require
from tests.support.shared import SHARED

_SPACES = re.compile(r"\s+")
_SIGNATURE = re.compile(r"^(?:-- ?|—|_{5,})\n.*\Z", re.MULTILINE | re.DOTALL)


def test_replies_are_split_as_expected() -> None:
    """Of the replies with an expected result at least eight in ten come out exactly so, signatures apart."""
    folder = SHARED / "data" / "eml" / "discourse-email_reply_trimmer"
    if not folder.is_dir():
        require("shared", "the shared mail (../shared/data/eml) is not beside this repository")
    wrong: list[str] = []
    paths = sorted(folder.glob("emails_*.txt"))
    for path in paths:
        expected = _plain(
            (folder / "expected" / path.name.replace("emails_", "trimmed_")).read_text(encoding="utf-8")
        )
        new_text = split_quotes(path.read_text(encoding="utf-8")).new_text
        if _plain(new_text) != expected and _plain(_SIGNATURE.sub("", new_text)) != expected:
            wrong.append(path.name)
    assert len(paths) > 30
    assert len(wrong) <= len(paths) // 5, wrong


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
