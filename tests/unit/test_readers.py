"""Reading in processes that may be killed: the guilty mail is given up, its neighbours are read."""

from collections.abc import AsyncIterator

import pytest

from itaca.mail.model import Envelope
from itaca.readers import FAILED, KILLED, ReaderLimits, Readers, Unread
from tests.support.mail_readers import read_or_die

ENVELOPE = Envelope(sender="a@example.org", recipients=("b@example.org",))
LIMITS = ReaderLimits(wall_s=30.0, cpu_s=1, memory_bytes=1024 * 1024 * 1024)


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    pool = Readers(read_or_die, LIMITS)
    yield pool
    await pool.close()


def unread(*words: str) -> list[Unread]:
    return [Unread(ENVELOPE, word.encode()) for word in words]


async def test_many_mails_are_read_in_order(readers: Readers) -> None:
    """Whatever the batches, each mail gets its own text, in order, read outside of this process."""
    words = [f"mail {n}" for n in range(200)]
    texts = await readers.read(unread(*words))
    assert [text.subject for text in texts] == words
    assert {text.sender for text in texts} == {"a@example.org"}
    assert await readers.read([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["KILL", "EAT", "BURN"])
async def test_lm13_lm28_a_mail_that_kills_its_reader_costs_itself_alone(readers: Readers, deed: str) -> None:
    """A crash, too much memory or too much CPU gives up the one mail; the others of its batch are read."""
    texts = await readers.read(unread("before", deed, "after"))
    assert [text.subject for text in texts] == ["before", "", "after"]
    assert texts[1] == KILLED
    assert not texts[1].is_readable


async def test_lm13_a_mail_that_hangs_is_given_up_after_its_time() -> None:
    """A reading that does nothing for ever ends at the wall-clock limit."""
    pool = Readers(read_or_die, ReaderLimits(wall_s=3.0, cpu_s=5))
    try:
        texts = await pool.read(unread("HANG", "after"))
        assert (texts[0], texts[1].subject) == (KILLED, "after")
    finally:
        await pool.close()


async def test_an_error_of_the_reader_costs_the_mail_alone(readers: Readers) -> None:
    """An exception that nobody foresaw marks its mail as unreadable, without another round trip."""
    texts = await readers.read(unread("before", "RAISE", "after"))
    assert texts[1] == FAILED
    assert texts[0].new_text == texts[2].new_text


async def test_readers_can_be_closed_and_used_again(readers: Readers) -> None:
    """Closing stops the processes; the next mail starts others."""
    [first] = await readers.read(unread("uno"))
    await readers.close()
    [second] = await readers.read(unread("due"))
    assert first.new_text != second.new_text
