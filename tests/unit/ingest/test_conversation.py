"""The SMTP conversation: what is said, when, and what is never said."""

import asyncio
import re
from pathlib import Path

import pytest

from itaca.errors import PermanentError, TransientError
from tests.support.ingest import listening
from tests.support.smtp_client import connected
from tests.support.waiting import until

RAW = b"From: a@example.org\r\nSubject: Prova\r\n\r\nDove sono i libri?\r\n"
UUID7 = re.compile(r"250 2\.6\.0 ([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}) accepted\Z")


async def test_lm1_no_250_before_the_commit(tmp_path: Path) -> None:
    """The sender hears nothing while the commit is pending, and 250 with the mail's id after it."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        door.ledger.may_commit.clear()
        mail = asyncio.create_task(client.mail(RAW))
        await asyncio.wait_for(door.ledger.asked.wait(), 30)
        done, _ = await asyncio.wait({mail}, timeout=0.3)
        assert not done
        door.ledger.may_commit.set()
        found = UUID7.match(await mail)
        assert found is not None
        [kept] = door.ledger.mails
        assert (found[1], kept.raw, kept.client) == (kept.mail_id, RAW, "127.0.0.1")
        assert door.count("itaca_mails_accepted_total", listener="smtp") == 1


@pytest.mark.parametrize(
    "failure",
    [
        TransientError("no route to db.internal password=sesamo"),
        PermanentError("constraint password=sesamo"),
        ConnectionError("password=sesamo"),
        RuntimeError("password=sesamo"),
        KeyError("password=sesamo"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_lm2_any_failure_is_451_without_detail(tmp_path: Path, failure: Exception) -> None:
    """Whatever the ledger raises, the sender hears 451 and no word of it, and the session goes on."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        door.ledger.failure = failure
        reply = await client.mail(RAW)
        assert reply.startswith("451 4.3.0 ")
        assert "sesamo" not in reply
        assert type(failure).__name__ not in reply
        door.ledger.failure = None
        assert UUID7.match(await client.mail(RAW))


async def test_lm2_a_failing_hook_is_451_without_detail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the middle of MAIL is 451 as well."""
    async with listening(tmp_path) as door, connected(door.port) as client:

        def broken(*_: object) -> str:
            raise ValueError("password=sesamo")

        monkeypatch.setattr("services.ingest.door.Door.refuses_mail", broken)
        reply = await client.say("MAIL FROM:<a@example.org>")
        assert reply.startswith("451 4.3.0")
        assert "sesamo" not in reply


async def test_lm29_a_slow_ledger_is_451_and_the_retry_finds_the_mail(tmp_path: Path) -> None:
    """Over the time limit the sender hears 451; the commit goes on, and the retry gets the id it made."""
    async with listening(tmp_path, store_timeout_s="2") as door, connected(door.port) as client:
        door.ledger.may_commit.clear()
        assert (await client.mail(RAW)).startswith("451 4.3.0")
        assert door.count("itaca_mails_deferred_total", reason="ledger") == 1
        assert door.stage.problems()
        door.ledger.may_commit.set()
        reply = await client.mail(RAW)
        [kept] = door.ledger.mails
        assert reply == f"250 2.6.0 {kept.mail_id} accepted"
        assert door.count("itaca_mails_duplicate_total") == 1
        assert not door.stage.problems()


async def test_lm29_a_full_reading_queue_does_not_hinder_accepting(tmp_path: Path) -> None:
    """What finds no place in the reading queue is accepted all the same, and left to the watch."""
    async with listening(tmp_path, queue_mails=2) as door, connected(door.port) as client:
        door.dispatcher.may_work.clear()
        for number in range(6):
            assert UUID7.match(await client.mail(RAW + b"%d\r\n" % number))
        assert len(door.ledger.mails) == 6
        assert door.dispatcher.left["queue"] >= 2
        door.dispatcher.may_work.set()


@pytest.mark.parametrize("how", ["reset", "half-close"])
async def test_client_gone_during_the_commit_leaves_one_mail(tmp_path: Path, how: str) -> None:
    """A client that leaves while its mail is committed finds it again, under the same id."""
    async with listening(tmp_path) as door:
        door.ledger.may_commit.clear()
        async with connected(door.port) as client:
            await client.open_data()
            await client.send(RAW + b".\r\n")
            await asyncio.wait_for(door.ledger.asked.wait(), 30)
            client.hang_up() if how == "reset" else client.writer.write_eof()
            await until(lambda: door.count("itaca_smtp_connections") == 0, "the server sees the client go")
        door.ledger.may_commit.set()
        async with connected(door.port) as client:
            reply = await client.mail(RAW)
        [kept] = door.ledger.mails
        assert reply == f"250 2.6.0 {kept.mail_id} accepted"


async def test_each_accepted_mail_is_offered_for_reading_once(tmp_path: Path) -> None:
    """New mail goes to the dispatcher; a duplicate does not."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.mail(RAW)
        await client.mail(RAW)
        await client.mail(RAW + b"altro\r\n")
        door.stopping.set()
        await door.task
        assert sorted(door.dispatcher.done) == sorted(kept.mail_id for kept in door.ledger.mails)
        assert door.dispatcher.is_closed


async def test_ehlo_announces_what_holds(tmp_path: Path) -> None:
    """SIZE with the limit, pipelining, 8-bit, internationalised addresses, enhanced codes; no TLS, no login."""
    async with listening(tmp_path, hostname="itaca.example") as door, connected(door.port, hello="") as client:
        assert await client.reply() == "220 itaca.example Itaca"
        reply = await client.say("EHLO x")
        assert reply.split("\n") == [
            "250-itaca.example",
            "250-PIPELINING",
            "250-SIZE 1000000",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250 ENHANCEDSTATUSCODES",
        ]


async def test_every_reply_carries_an_enhanced_code(tmp_path: Path) -> None:
    """After the greeting each 2xx, 4xx and 5xx begins with a code of RFC 3463 of its own class."""
    said = [
        "DATA", "RCPT TO:<b@example.org>", "MAIL", "MAIL FROM:<", "MAIL FROM:<a@b> SIZE=-1", "MAIL FROM:<a@b> X=1",
        "MAIL FROM:<a@b> BODY=9BIT", "VRFY b", "VRFY", "HELP", "NOOP", "EXPN x", "BDAT 3", "STARTTLS", "AUTH PLAIN",
        "MAIL FROM:<a@b> SIZE=9999999999999", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "RCPT TO:<>", "RCPT TO:<c@d>",
        "DATA x", "RSET x", "RSET", "QUIT",
    ]  # fmt: skip
    async with listening(tmp_path, error_limit=99) as door, connected(door.port) as client:
        for command in said:
            if command == "BDAT 3":
                continue
            reply = await client.say(command)
            assert re.match(r"([245])\d\d \1\.\d\.\d+ ", reply), f"{command}: {reply}"


async def test_many_errors_end_the_session(tmp_path: Path) -> None:
    """A client that is refused too often hears 421 and is sent away."""
    async with listening(tmp_path, error_limit=3) as door, connected(door.port) as client:
        replies = [await client.say("RCPT TO:<b@example.org>") for _ in range(4)]
        assert all(reply.startswith("503 5.5.1") for reply in replies)
        assert await client.reply() == "421 4.7.0 Too many errors"
        assert await client.is_closed()


async def test_pipelined_commands_and_data_in_one_packet(tmp_path: Path) -> None:
    """Two whole transactions and QUIT in one packet give two mails and all their replies in order."""
    one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    packet = one + b"S: 1\r\n\r\nuno\r\n.\r\n" + one + b"S: 2\r\n\r\ndue\r\n.\r\nQUIT\r\n"
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.send(packet)
        codes = [(await client.reply())[:3] for _ in range(9)]
        assert codes == ["250", "250", "354", "250", "250", "250", "354", "250", "221"]
        assert [kept.raw for kept in door.ledger.mails] == [b"S: 1\r\n\r\nuno\r\n", b"S: 2\r\n\r\ndue\r\n"]


async def test_one_byte_per_packet(tmp_path: Path) -> None:
    """Where the packets end means nothing."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        for byte in b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nS: x\r\n\r\n..a\r\n.\r\n":
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        codes = [(await client.reply())[:3] for _ in range(4)]
        assert codes == ["250", "250", "354", "250"]
        assert door.ledger.mails[0].raw == b"S: x\r\n\r\n.a\r\n"


async def test_null_sender_and_odd_addresses(tmp_path: Path) -> None:
    """The null reverse-path is an empty sender; quoted, routed, international and 8-bit addresses are taken."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.mail(RAW, "", '"o\'connor, tim"@example.org', "@relay.example:r@example.org", "ü@exämple.org")
        await client.send(b"MAIL FROM:<jos\xe9@example.org>\r\n")
        assert (await client.reply()).startswith("250")
        envelope = door.ledger.mails[0].envelope
        assert envelope.sender == ""
        assert envelope.recipients == ('"o\'connor, tim"@example.org', "r@example.org", "ü@exämple.org")


@pytest.mark.parametrize("command", ["MAIL FROM:<a\x00b@example.org>", "MAIL FROM:<\x00>", "MAIL FROM:<" + "(" * 400])
async def test_malformed_addresses_are_refused_and_the_session_goes_on(tmp_path: Path, command: str) -> None:
    """What is no address is 5xx by rule, not by accident, and the next command is served."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        assert (await client.say(command))[:1] == "5"
        assert UUID7.match(await client.mail(RAW))


async def test_lm22_an_unknown_sender_is_welcome(tmp_path: Path) -> None:
    """Nobody must be registered to write to us."""
    async with listening(tmp_path, recipients="@shop.example") as door, connected(door.port) as client:
        assert UUID7.match(await client.mail(RAW, "mai.visto@nowhere.example"))


async def test_lm23_one_mail_to_two_addresses_is_one_mail_with_both(tmp_path: Path) -> None:
    """A mail to two of our addresses is kept once, with both recipients; the same mail to another is another."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.mail(RAW, "a@example.org", "ordini@shop.example", "reclami@shop.example", "ordini@shop.example")
        await client.mail(RAW, "a@example.org", "disdette@shop.example")
        assert [kept.envelope.recipients for kept in door.ledger.mails] == [
            ("ordini@shop.example", "reclami@shop.example"),
            ("disdette@shop.example",),
        ]


async def test_no_address_reaches_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A whole conversation with refusals and a failure leaves no address, command or body in any log."""
    async with listening(tmp_path, recipients="@shop.example") as door, connected(door.port) as client:
        await client.mail(b"Subject: segretissimo\r\n\r\nsegretissimo\r\n", "segretissimo@example.org")
        await client.say("MAIL FROM:<segretissimo@example.org>")
        await client.say("RCPT TO:<segretissimo@example.org>")
        await client.say("SEGRETISSIMO")
        door.ledger.failure = RuntimeError("segretissimo")
        await client.say("RSET")
        await client.mail(RAW, "segretissimo@example.org")
    captured = capsys.readouterr()
    assert "ingest.mail_accepted" in captured.out + captured.err
    seen = (
        captured.out
        + captured.err
        + "".join(r.getMessage() for r in caplog.records if r.levelname != "DEBUG" and r.name != "mail.log")
    )
    assert "segretissimo" not in seen.lower()
