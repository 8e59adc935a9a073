"""Sending mail files: every format, every reply, and nothing twice."""

import asyncio
import json
import mailbox
import random
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from itaca.cli.letters import find_letters, letter_of, mail_of_row
from itaca.cli.sending import send_files
from itaca.clock import SystemClock
from itaca.errors import PermanentError, TransientError
from tests.support.ingest import listening
from tests.support.ports import free_port

RAW = b"From: Anna <anna@example.org>\r\nTo: reclami@shop.example\r\nSubject: x\r\n\r\n.dove\r\n"
ROW = {
    "id": "it-0001",
    "from": 'Ülo d\'Àmico, "il Grande" <ulo@example.it>',
    "to": "ordini@shop.example",
    "cc": ["Stampa <redazione@giornale.example>", "direzione@shop.example"],
    "subject": "Perché?\nBcc: nessuno@example.org",
    "body": "Dov'è il pacco?\n.\nGrazie",
    "headers": {"Auto-Submitted": "auto-replied", "From": "altro@example.org"},
    "attachments": ["scontrino è.pdf", "foto.jpg", "inoltro.eml", "../../etc/passwd"],
}


class HurriedClock(SystemClock):
    """Sleeps a thousandth of what it is asked."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


def corpus(folder: Path, rows: int) -> Path:
    path = folder / "corpus.jsonl"
    lines = [json.dumps(ROW | {"id": f"it-{n}"}, ensure_ascii=False) for n in range(rows)]
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


async def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    """It is named with the reason; what lies beside it is sent."""
    box = mailbox.Maildir(tmp_path / "Maildir")
    box.add(RAW)
    (tmp_path / "Maildir" / "new" / "1.gone").symlink_to(tmp_path / "nowhere")
    async with listening(tmp_path) as door:
        report = await send_files([tmp_path / "Maildir"], "127.0.0.1", door.port)
    assert len(report.accepted) == 1
    assert [(one.name[-6:], "cannot be read" in one.reply) for one in report.not_sent] == [("1.gone", True)]


def test_rows_that_are_no_text_are_named(tmp_path: Path) -> None:
    """By file and line, as other lines that are no mail."""
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(PermanentError, match="line 1 is no JSON"):
        find_letters([tmp_path / "x.jsonl"])


async def test_a_host_that_is_none_is_named(tmp_path: Path) -> None:
    """A name that leads nowhere is another mistake than a port where nobody listens."""
    with pytest.raises(TransientError, match=r"no machine is called itaca\.invalid"):
        await send_files([corpus(tmp_path, 1)], "itaca.invalid", 2525)


async def test_every_kind_of_mailbox_is_sent(tmp_path: Path) -> None:
    """A folder with .eml, mbox, Maildir and JSONL gives each mail once, with the ids of the server."""
    box = tmp_path / "mail"
    box.mkdir()
    (box / "one.eml").write_bytes(RAW.replace(b"\r\n", b"\n"))
    (box / "README.md").write_text("no mail", encoding="utf-8")
    boxes: list[mailbox.Mailbox[mailbox.Message]] = [mailbox.mbox(box / "old.mbox"), mailbox.Maildir(box / "Maildir")]
    for number, each in enumerate(boxes):
        each.add(RAW + b"%d\r\n" % number)
        each.flush()
        each.close()
    corpus(box, 3)
    seen: list[tuple[int, int]] = []
    async with listening(tmp_path) as door:
        report = await send_files([box], "127.0.0.1", door.port, progress=lambda *done: seen.append(done))
        assert report.is_complete
        assert sorted(sent.mail_id for sent in report.accepted) == sorted(kept.mail_id for kept in door.ledger.mails)
        assert len(report.accepted) == 6
        assert seen[-1] == (6, 6)
        senders = {(kept.envelope.sender, kept.envelope.recipients) for kept in door.ledger.mails}
        assert senders == {
            ("anna@example.org", ("reclami@shop.example",)),
            ("ulo@example.it", ("ordini@shop.example",)),
        }
        assert RAW in [kept.raw for kept in door.ledger.mails]


async def test_sending_twice_adds_nothing(tmp_path: Path) -> None:
    """The same corpus sent again gets the ids of the first time."""
    path = corpus(tmp_path, 5)
    async with listening(tmp_path) as door:
        few = await send_files([path], "127.0.0.1", door.port, limit=2)
        assert {sent.name for sent in few.accepted} == {"it-0", "it-1"}  # two connections: either may be first
        first = await send_files([path], "127.0.0.1", door.port, concurrency=3)
        again = await send_files([path], "127.0.0.1", door.port, concurrency=1)
        assert {s.name: s.mail_id for s in first.accepted} == {s.name: s.mail_id for s in again.accepted}
        assert len(door.ledger.mails) == 5


async def test_what_is_put_off_is_offered_again(tmp_path: Path) -> None:
    """451 is tried again until the ledger is back; nothing is reported as lost."""
    path = corpus(tmp_path, 2)
    async with listening(tmp_path) as door:
        door.ledger.failure = TransientError("away")
        sending = asyncio.create_task(send_files([path], "127.0.0.1", door.port, rng=random.Random(1)))
        async with asyncio.timeout(10):
            await door.ledger.asked.wait()
        door.ledger.failure = None
        report = await sending
        assert len(report.accepted) == 2


async def test_refusals_are_reported_with_their_reply(tmp_path: Path) -> None:
    """5xx is final, and the server's words are kept."""
    path = corpus(tmp_path, 2)
    async with listening(tmp_path, recipients="@other.example") as door:
        report = await send_files([path], "127.0.0.1", door.port)
        assert [(n.is_refused, n.reply[:9]) for n in report.not_sent] == [(True, "550 5.1.1")] * 2
        report = await send_files([path], "127.0.0.1", door.port, sender="x@y.example", recipient="a@other.example")
        assert len(report.accepted) == 2
        assert {k.envelope.sender for k in door.ledger.mails} == {"x@y.example"}


async def test_a_server_that_is_away_is_named_at_once(tmp_path: Path) -> None:
    """Nobody listens: one sentence says so and what to do, instead of every mail's patience."""
    path, port = corpus(tmp_path, 1), free_port()
    with pytest.raises(TransientError, match=f"nobody listens at 127.0.0.1:{port}; `itaca up`"):
        await send_files([path], "127.0.0.1", port, clock=HurriedClock())


def test_a_row_becomes_a_mail_with_everything_in_it() -> None:
    """Names with quotes and accents, Cc, extra headers and attachments survive; injected lines do not."""
    raw = mail_of_row(ROW)
    assert raw == mail_of_row(ROW)
    message = message_from_bytes(raw, policy=default)
    assert message["From"].addresses[0].addr_spec == "ulo@example.it"
    assert message["From"].addresses[0].display_name == 'Ülo d\'Àmico, "il Grande"'
    assert [a.addr_spec for a in message["Cc"].addresses] == ["redazione@giornale.example", "direzione@shop.example"]
    assert message["Subject"] == "Perché? Bcc: nessuno@example.org"
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<it-0001@corpus.example>"
    assert message["Date"].datetime.tzinfo is not None
    body = message.get_body()
    assert body is not None
    assert body.get_content().splitlines() == ["Dov'è il pacco?", ".", "Grazie"]
    assert [part.get_filename() for part in message.iter_attachments()] == ROW["attachments"]


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (b"From: Anna <anna@example.org>", "anna@example.org"),
        (b"From: \xff\xfe", ""),
        (b"From: =?utf-8?q?a=0Ab?= <a b@x>", ""),
        (b"X: y", ""),
        (b"From: j\xc3\xb6rg@example.org", ""),
    ],
)
def test_the_envelope_is_taken_from_what_smtp_can_carry(header: bytes, sender: str) -> None:
    """An address that SMTP could not carry is left to the default."""
    assert letter_of(header + b"\r\n\r\n").sender == sender


@pytest.mark.parametrize(
    ("text", "words"), [("{", "line 1 is no JSON"), ("[1]", "line 1 has no id"), ('{"id": 1}', "line 1")]
)
def test_what_is_no_mail_is_named(tmp_path: Path, text: str, words: str) -> None:
    """A wrong line is named by file and number, a missing path by name."""
    path = tmp_path / "x.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PermanentError, match=words):
        find_letters([path])
    with pytest.raises(PermanentError, match="no such file"):
        find_letters([tmp_path / "absent"])
