"""The way out: nobody new, whoever is in the middle finishes, and commits in flight are waited for."""

import asyncio
from pathlib import Path

import pytest

from tests.support.ingest import listening
from tests.support.smtp_client import connected
from tests.support.waiting import until

RAW = b"Subject: x\r\n\r\nx\r\n"


async def test_data_in_progress_is_finished_and_answered(tmp_path: Path) -> None:
    """A mail that was travelling at the signal gets its 250; idle clients hear 421; nobody new comes in."""
    async with listening(tmp_path) as door:
        async with connected(door.port) as busy, connected(door.port) as idle:
            await busy.open_data()
            await busy.send(b"Subject: x\r\n")
            await until(lambda: len(door.stage._sessions.receiving()) == 1, "the mail is travelling")
            door.stopping.set()
            assert await idle.reply() == "421 4.3.2 Shutting down, try again later"
            assert await idle.is_closed()
            with pytest.raises(OSError):
                async with connected(door.port):
                    pass
            await busy.send(b"\r\nx\r\n.\r\n")
            assert (await busy.reply()).startswith("250 2.6.0")
            assert (await busy.reply()).startswith("421 4.3.2")
        await asyncio.wait_for(door.task, 30)
        [kept] = door.ledger.mails
        assert door.dispatcher.done == [kept.mail_id]


async def test_new_mail_is_put_off_while_closing(tmp_path: Path) -> None:
    """MAIL and DATA after the signal are 421."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        door.stage._door.is_closing = True
        assert (await client.say("MAIL FROM:<a@b.example>")).startswith("421 4.3.2")
        assert await client.is_closed()


async def test_a_mail_that_does_not_end_is_cut_after_the_grace(tmp_path: Path) -> None:
    """The grace is an end: the stage stops, the mail stays with its sender."""
    async with listening(tmp_path, shutdown_grace_s="0.3") as door, connected(door.port) as client:
        await client.open_data()
        door.stopping.set()
        await asyncio.wait_for(door.task, 30)
        assert (await client.reply()).startswith("421 4.3.2")
        assert not door.ledger.mails


async def test_commits_in_flight_are_waited_for(tmp_path: Path) -> None:
    """The stage does not end before the ledger has decided what it was given, client or no client."""
    async with listening(tmp_path, shutdown_grace_s="0.2") as door:
        async with connected(door.port) as client:
            door.ledger.may_commit.clear()
            await client.open_data()
            await client.send(RAW + b".\r\n")
            await door.ledger.asked.wait()
        door.stopping.set()
        done, _ = await asyncio.wait({door.task}, timeout=0.6)
        assert not done
        door.ledger.may_commit.set()
        await asyncio.wait_for(door.task, 30)
        assert len(door.ledger.mails) == 1
