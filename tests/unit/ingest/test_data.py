"""The DATA phase byte by byte: where a mail ends, what is inside it, and what bounds it."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.data import DataReader
from services.ingest.limits import BytesInHand
from services.ingest.replies import MEMORY_LOW, TOO_LARGE, RefusedError
from tests.support.ingest import listening
from tests.support.smtp_client import connected, stuffed

FIRST = b"Subject: primo\r\n\r\nciao"
SECOND = b"MAIL FROM:<ceo@shop.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nSubject: falso\r\n\r\nfalso\r\n"
ENDS = {
    "lf-dot-lf": b"\n.\n",
    "lf-dot-crlf": b"\n.\r\n",
    "crlf-dot-lf": b"\r\n.\n",
    "cr-dot-cr": b"\r.\r",
    "cr-dot-crlf": b"\r.\r\n",
    "crlf-dot-cr": b"\r\n.\r",
    "nul-before-dot": b"\r\n\x00.\r\n",
    "nul-after-dot": b"\r\n.\x00\r\n",
    "space-after-dot": b"\r\n. \r\n",
    "two-dots": b"\r\n..\r\n",
    "crcrlf": b"\r\r\n.\r\r\n",
    "lf-cr-dot": b"\n\r.\n\r",
}


class Packets:
    """A byte stream that arrives in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    async def read(self, n: int = -1) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def feed_data(self, data: bytes) -> None:
        self.pieces.insert(0, data)


def pieces_of(wire: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % len(wire) for cut in cuts} - {0}), len(wire)]
    return [wire[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_a_smuggled_mail_stays_inside_the_first(tmp_path: Path, end: bytes) -> None:
    """Only CRLF dot CRLF ends the data: whatever looks like it gives one mail that holds everything."""
    body = FIRST + end + SECOND
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.open_data()
        await client.send(body + b".\r\n")
        assert (await client.reply()).startswith("250 2.6.0")
        assert (await client.say("NOOP")).startswith("250")
        [kept] = door.ledger.mails
        assert kept.raw == body.replace(b"\r\n.", b"\r\n")


@given(
    raw=st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"..", b"\x00", b"a", b"\xe8"]), max_size=30),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_what_a_client_stuffs_comes_back_exactly(raw: list[bytes], cuts: list[int]) -> None:
    """However the packets fall, the mail is what the client had, and what follows is left for the commands."""
    mail = b"".join(raw)
    mail = mail if not mail or mail.endswith(b"\r\n") else mail + b"\r\n"
    stream = Packets(pieces_of(stuffed(mail) + b"QUIT\r\n", cuts))
    reader = DataReader(stream, 10_000, BytesInHand(1 << 20).lease())
    assert asyncio.run(reader.read()) == mail
    assert b"".join(stream.pieces) == b"QUIT\r\n"


async def test_a_line_of_5_mb_with_nul_and_bare_line_ends_is_kept(tmp_path: Path) -> None:
    """Lines of any length, NUL, bare CR and bare LF are bytes like others."""
    line = random.Random(5).randbytes(5_000_000).replace(b"\r\n", b"\n")
    raw = b"Subject: x\r\n\r\n" + line + b"\r\n\x00\r.\n.\n\r\n"
    async with listening(tmp_path, size_limit_bytes=8_000_000) as door, connected(door.port) as client:
        assert (await client.mail(raw)).startswith("250 2.6.0")
        assert door.ledger.mails[0].raw == raw


async def test_an_empty_mail_is_a_mail(tmp_path: Path) -> None:
    """The end of data at once is a mail of no bytes."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        assert (await client.mail(b"")).startswith("250 2.6.0")
        assert door.ledger.mails[0].raw == b""


async def test_lm14_oversize_by_announcement_is_told_at_mail(tmp_path: Path) -> None:
    """SIZE above the limit is 552 before a byte of the mail travels."""
    async with listening(tmp_path, size_limit_bytes=100_000) as door, connected(door.port) as client:
        assert (await client.say("MAIL FROM:<a@b.example> SIZE=100001")).startswith("552 5.3.4")
        assert (await client.say("MAIL FROM:<a@b.example> SIZE=100000")).startswith("250")
        assert door.count("itaca_mails_refused_total", reason="size") == 1


@pytest.mark.parametrize(("size", "code"), [(100_000, "250 2.6.0"), (100_001, "552 5.3.4"), (180_000, "552 5.3.4")])
async def test_lm14_the_limit_is_exact_and_the_session_goes_on(tmp_path: Path, size: int, code: str) -> None:
    """A mail of exactly the limit is accepted, dots not counted; one byte more is 552 after the data."""
    raw = (b".2345678\r\n" * (size // 10 + 1))[: size - 2] + b"\r\n"
    async with listening(tmp_path, size_limit_bytes=100_000) as door, connected(door.port) as client:
        assert (await client.mail(raw)).startswith(code)
        assert (await client.mail(b"Subject: poi\r\n\r\n")).startswith("250 2.6.0")


async def test_lm14_an_endless_mail_is_cut_with_its_reply(tmp_path: Path) -> None:
    """A mail that goes on past twice the limit and a chunk is told 552 and cut; its bytes are given back.

    Not a byte more is sent: the kernel answers what nobody read with a reset, which may overtake the reply.
    """
    async with listening(tmp_path, size_limit_bytes=100_000) as door, connected(door.port) as client:
        await client.open_data()
        client.writer.write(b"x" * (2 * 100_000 + 2**20 + 1))
        assert (await client.reply()).startswith("552 5.3.4")
        assert await client.reader.read() == b""
        assert door.stage._door.bytes_in_hand.used_bytes == 0


async def test_bytes_in_hand_are_capped_and_given_back() -> None:
    """What is over the cap of all mails together is put off with 452, and frees its share at once."""
    account = BytesInHand(100)
    other = account.lease()
    assert other.grow(60)
    lease = account.lease()
    with pytest.raises(RefusedError, match=MEMORY_LOW):
        await DataReader(Packets([b"a" * 30, b"b" * 30, b"\r\n.\r\n"]), 10_000, lease).read()
    assert account.used_bytes == 60
    other.release()
    other.release()
    assert account.used_bytes == 0


async def test_a_mail_over_the_limit_keeps_no_bytes_while_it_drains() -> None:
    """Once refused, a mail is read to its end without being kept."""
    account = BytesInHand(10_000_000)
    reader = DataReader(Packets([b"a" * 1_500_000, b"b" * 400_000, b"\r\n.\r\n"]), 1_000_000, account.lease())
    with pytest.raises(RefusedError, match=TOO_LARGE):
        await reader.read()


async def test_a_slow_mail_is_cut_by_its_rate(tmp_path: Path) -> None:
    """After the grace a mail that comes slower than it may is cut with 421, and its bytes are given back."""
    async with (
        listening(tmp_path, data_grace_s="0.3", data_min_rate=100_000) as door,
        connected(door.port) as client,
    ):
        await client.open_data()
        await client.send(b"Subject: lento\r\n")
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.is_closed()
        assert door.count("itaca_mails_deferred_total", reason="slow") == 1
        assert door.stage._door.bytes_in_hand.used_bytes == 0
        assert not door.ledger.mails


async def test_bytes_buy_time_up_to_the_limit(tmp_path: Path) -> None:
    """A mail above the least rate outlives the grace; no mail outlives the limit."""
    async with (
        listening(tmp_path, data_grace_s="0.1", data_min_rate=1000, data_limit_s="1.0") as door,
        connected(door.port) as client,
    ):
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await client.open_data()
        await client.send(b"x" * 100_000)
        assert (await client.reply()).startswith("421 4.4.2")
        assert 0.9 <= loop.time() - began_s < 30


@pytest.mark.parametrize("said", [b"EHLO slow", b"MAIL FROM:<a@b", b"", b"x" * 100_000])
async def test_a_slow_command_is_cut(tmp_path: Path, said: bytes) -> None:
    """A client that does not finish its command within the idle time is cut, and its slot is free again."""
    async with listening(tmp_path, idle_timeout_s="0.3") as door, connected(door.port, hello="") as client:
        await client.reply()
        await client.send(said)
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.is_closed()
        assert door.stage._door.connections.open == 0
        assert door.count("itaca_mails_deferred_total", reason="idle") == 1
