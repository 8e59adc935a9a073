"""LMTP: one reply for each recipient after the data (RFC 2033)."""

from pathlib import Path

from itaca.errors import TransientError
from tests.support.ingest import listening
from tests.support.smtp_client import connected

RAW = b"Subject: x\r\n\r\nx\r\n"


async def test_one_reply_for_each_accepted_recipient(tmp_path: Path) -> None:
    """Three recipients, one refused: two replies with one id, for one mail with both."""
    async with (
        listening(tmp_path, protocol="lmtp", recipients="@shop.example") as door,
        connected(door.port, hello="LHLO client.example") as client,
    ):
        await client.say("MAIL FROM:<a@b.example>")
        assert (await client.say("RCPT TO:<uno@shop.example>")).startswith("250")
        assert (await client.say("RCPT TO:<x@elsewhere.example>")).startswith("550 5.1.1")
        assert (await client.say("RCPT TO:<due@shop.example>")).startswith("250")
        assert (await client.say("DATA")).startswith("354")
        await client.send(RAW + b".\r\n")
        replies = [await client.reply(), await client.reply()]
        [kept] = door.ledger.mails
        assert replies == [f"250 2.6.0 {kept.mail_id} accepted"] * 2
        assert (await client.say("NOOP")) == "250 2.0.0 OK"
        assert door.count("itaca_mails_accepted_total", listener="lmtp") == 1


async def test_lm2_failures_are_told_to_each_recipient(tmp_path: Path) -> None:
    """451 comes once per recipient, whether the failure was foreseen or not, and so does 552."""
    async with (
        listening(tmp_path, protocol="lmtp", size_limit_bytes=100_000) as door,
        connected(door.port, hello="LHLO client.example") as client,
    ):
        for failure in (TransientError("away"), RuntimeError("bug")):
            door.ledger.failure = failure
            assert (await client.mail(RAW, "a@b.example", "uno@x.example", "due@x.example")).startswith("451")
            assert (await client.reply()).startswith("451 4.3.0")
        assert (await client.mail(b"x" * 120_000, "a@b.example", "uno@x.example", "due@x.example")).startswith("552")
        assert (await client.reply()).startswith("552 5.3.4")
        assert (await client.say("NOOP")).startswith("250")


async def test_smtp_greetings_are_refused(tmp_path: Path) -> None:
    """LMTP begins with LHLO, and says so."""
    async with listening(tmp_path, protocol="lmtp") as door, connected(door.port, hello="") as client:
        await client.reply()
        assert (await client.say("EHLO x")).startswith("500 5.5.1")
        assert (await client.say("HELO x")).startswith("500 5.5.1")
        assert (await client.say("DATA")).startswith("503")
        assert "250-PIPELINING" in await client.say("LHLO x")
