"""What fuzzing began with and what it has ever found: every such input keeps the rules of its target."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from itaca.mail.quotes import SplitText
from tests.fuzz.targets import TARGETS, BrokenRuleError
from tests.fuzz.wire import converse, end

HERE = Path(__file__).parent
INPUTS = sorted(path for folder in ("corpus", "found") for path in (HERE / folder).rglob("*") if path.is_file())


@pytest.fixture(autouse=True, scope="module")
def quiet_sessions() -> Iterator[None]:
    """Hold the event loop that conversations share, and close it behind them."""
    yield
    end()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name[:20]}")
def test_the_rules_hold_for_every_kept_input(path: Path) -> None:
    """Neither a beginning of the search nor an old finding breaks a rule."""
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_a_corpus() -> None:
    """A target without inputs to begin with would find nothing for hours."""
    assert {path.parent.name for path in INPUTS} == set(TARGETS)


def test_a_broken_rule_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door that answers 451 where no error was, a reader that makes files up, or a lost line ends the search."""
    monkeypatch.setattr("services.ingest.door.Door.refuses_mail", lambda *_: 1 // 0)
    with pytest.raises(BrokenRuleError, match="nobody foresaw"):
        TARGETS["smtp"](b"\0EHLO x\r\nMAIL FROM:<a@b.example>\r\n")
    monkeypatch.setattr("tests.fuzz.targets.extract_attachments", lambda _: [("a file", b"")])
    with pytest.raises(BrokenRuleError, match="other files"):
        TARGETS["parser"](b"Subject: x\r\n\r\ny\r\n")
    monkeypatch.setattr("tests.fuzz.targets.split_quotes", lambda text: SplitText("new", "old"))
    with pytest.raises(BrokenRuleError, match="lost or doubled"):
        TARGETS["quotes"](b"una riga")


def test_a_conversation_in_memory_is_one() -> None:
    """What the search relies on: commands are answered, and a mail is taken whole."""
    packet = (
        b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@shop.example>\r\nDATA\r\nS: 1\r\n\r\n..uno\r\n.\r\nQUIT\r\n"
    )
    heard = converse([packet])
    assert [line[:3] for line in heard.said.split(b"\r\n")[-7:]] == [
        b"250",
        b"250",
        b"250",
        b"354",
        b"250",
        b"221",
        b"",
    ]
    [(envelope, raw)] = heard.mails
    assert (envelope.sender, raw) == ("a@b.example", b"S: 1\r\n\r\n.uno\r\n")
