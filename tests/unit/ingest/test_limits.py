"""Who may come in, how many, and for whom."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from itaca.clock import ManualClock
from services.ingest.door import Recipients
from services.ingest.handler import is_looping
from services.ingest.limits import Connections, FreeSpace, is_within, parsed
from tests.support.ingest import listening
from tests.support.smtp_client import connected

RAW = b"Subject: x\r\n\r\nx\r\n"


async def test_connections_per_client_and_in_all(tmp_path: Path) -> None:
    """The third connection of one client is 421; another client comes in until the total is reached."""
    async with listening(tmp_path, connections=3, connections_per_client=2) as door:
        async with (
            connected(door.port),
            connected(door.port),
            connected(door.port, hello="") as third,
            connected(door.port, host="127.0.0.1", hello="") as fourth,
        ):
            for refused in (third, fourth):
                assert (await refused.reply()).startswith("421 4.7.0")
                assert await refused.is_closed()
            assert door.count("itaca_mails_deferred_total", reason="connections") == 2
            assert door.count("itaca_smtp_connections") == 2
        async with connected(door.port) as client:
            assert (await client.mail(RAW)).startswith("250")


def test_exempt_networks_are_bound_by_the_total_alone() -> None:
    """The mail server in front may open as many as there are; nobody may open more."""
    connections = Connections(total=4, per_client=1, exempt=[ip_network("10.0.0.0/8")])
    assert [connections.enter("10.1.2.3") for _ in range(3)] == [True, True, True]
    assert connections.enter("192.0.2.1")
    assert not connections.enter("192.0.2.2")
    connections.leave("10.1.2.3")
    assert not connections.enter("192.0.2.1")
    assert connections.enter("192.0.2.2")


@pytest.mark.parametrize(
    ("host", "inside"), [("::ffff:10.1.1.1", True), ("10.1.1.1", True), ("fe80::1%eth0", False), ("", False)]
)
def test_addresses_in_all_their_spellings(host: str, inside: bool) -> None:
    """An IPv4 address mapped into IPv6 is the IPv4 address; what is no address is in no network."""
    assert is_within(parsed(host), [ip_network("10.0.0.0/8")]) is inside


async def test_a_flood_of_commands_is_cut(tmp_path: Path) -> None:
    """Commands that carry no mail run out."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.send(b"NOOP\r\n" * 200)
        replies = [await client.reply() for _ in range(101)]
        assert replies[99].startswith("250")
        assert replies[100].startswith("421 4.7.0")
        assert await client.is_closed()


async def test_low_disk_puts_mail_off(tmp_path: Path) -> None:
    """Under the least free space MAIL is 452, readiness says why, and nothing is lost or bounced."""
    async with listening(tmp_path, min_free_bytes=1 << 60) as door, connected(door.port) as client:
        assert (await client.say("MAIL FROM:<a@b.example>")).startswith("452 4.3.1")
        assert "free disk space" in door.stage.problems()[0]
        assert door.count("itaca_mails_deferred_total", reason="disk") == 1


async def test_free_space_threshold() -> None:
    """One and a half of the largest mail must be free, and never less than the floor; no answer counts as full."""

    def broken() -> int:
        raise OSError("no such device")

    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    assert FreeSpace(lambda: 149, 100, 10, clock).is_low()
    assert not FreeSpace(lambda: 150, 100, 10, clock).is_low()
    assert FreeSpace(lambda: 150, 100, 200, clock).is_low()
    assert FreeSpace(broken, 100, 10, clock).is_low()


async def test_the_disk_is_looked_at_again_within_a_second() -> None:
    """A disk that fills up is noticed, without a look for every mail."""
    clock, free = ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), [1000]
    space = FreeSpace(lambda: free[0], 100, 10, clock)
    assert not space.is_low()
    free[0] = 1
    await clock.advance(timedelta(seconds=1))
    assert space.is_low()


async def test_announced_size_over_what_is_left_in_hand_is_put_off(tmp_path: Path) -> None:
    """A mail announced larger than what memory is left for is 452 before it travels."""
    async with (
        listening(tmp_path, bytes_in_hand=1 << 20, size_limit_bytes=4 << 20) as door,
        connected(door.port) as client,
    ):
        assert (await client.say("MAIL FROM:<a@b.example> SIZE=2000000")).startswith("452 4.3.1")
        assert (await client.mail(b"Subject: x\r\n\r\n" + b"y" * 2_000_000)).startswith("452 4.3.1")
        assert (await client.mail(RAW)).startswith("250")
        assert door.count("itaca_mails_deferred_total", reason="memory") == 2


async def test_recipients_beyond_the_cap_are_put_off(tmp_path: Path) -> None:
    """The 101st recipient is 452 and the mail goes to the hundred before."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        await client.say("MAIL FROM:<a@b.example>")
        replies = [await client.say(f"RCPT TO:<r{n}@shop.example>") for n in range(101)]
        assert all(reply.startswith("250") for reply in replies[:100])
        assert replies[100].startswith("452 4.5.3")


async def test_lm21_relay_is_denied_to_strangers(tmp_path: Path) -> None:
    """A client outside the networks is told 550 5.7.1 at MAIL, and it is counted."""
    async with listening(tmp_path, networks="10.0.0.0/8") as door, connected(door.port) as client:
        assert (await client.say("MAIL FROM:<a@b.example>")).startswith("550 5.7.1")
        assert (await client.say("RCPT TO:<reclami@shop.example>")).startswith("503")
        assert (await client.say("DATA")).startswith("503")
        assert door.count("itaca_mails_refused_total", reason="relay") == 1


async def test_lm21_recipients_that_are_not_ours_are_refused_with_text(tmp_path: Path) -> None:
    """Mail for others is 550 5.1.1, counted; ours beside it is taken."""
    async with (
        listening(tmp_path, recipients="reclami@shop.example,@books.example") as door,
        connected(door.port) as client,
    ):
        await client.say("MAIL FROM:<a@b.example>")
        assert (await client.say("RCPT TO:<x@elsewhere.example>")).startswith("550 5.1.1")
        assert (await client.say("RCPT TO:<x@books.example>")).startswith("250")
        assert (await client.say("DATA")).startswith("354")
        await client.send(RAW + b".\r\n")
        assert (await client.reply()).startswith("250 2.6.0")
        assert door.count("itaca_mails_refused_total", reason="recipient") == 1
        assert door.ledger.mails[0].envelope.recipients == ("x@books.example",)


@pytest.mark.parametrize(
    ("address", "served"),
    [
        ("Reclami@Shop.Example", True),
        ("reclami+IT-ABCDE@shop.example", True),
        ("ordini@shop.example", False),
        ("chiunque@books.example", True),
        ("x@sub.books.example", False),
        ("postmaster@shop.example", True),
        ("Postmaster", True),
        ("postmaster@elsewhere.example", False),
        ("reclami", False),
        ("", False),
    ],
)
def test_whom_mail_is_taken_for(address: str, served: bool) -> None:
    """Addresses in any case and with a token behind a plus, whole domains, and the postmaster of each."""
    assert Recipients.named(["reclami@shop.example", "@Books.example"]).serves(address) is served


def test_nobody_named_means_everybody() -> None:
    """Without names every recipient is served."""
    assert Recipients.named([]).serves("x@y.example")


@pytest.mark.parametrize(("hops", "code"), [(100, "250 2.6.0"), (101, "550 5.4.6")])
async def test_a_mail_that_goes_in_circles_is_refused(tmp_path: Path, hops: int, code: str) -> None:
    """A hundred Received headers are taken, one more is not; the same words in the body do not count."""
    raw = b"Received: from a by b\r\n" * hops + b"Subject: x\r\n\r\n" + b"Received: from a by b\r\n" * 200
    async with listening(tmp_path) as door, connected(door.port) as client:
        assert (await client.mail(raw)).startswith(code)


def test_hops_in_bare_line_feeds_and_odd_case() -> None:
    """Header names are counted in any case and after any line end."""
    assert is_looping(b"ReCeived: x\n" * 11 + b"\n", 10)
    assert not is_looping(b"Received-SPF: x\n" * 11 + b"\n", 10)
    assert not is_looping(b"X-Received: x\n" * 11 + b"\n", 10)


async def test_idle_clients_do_not_keep_a_sender_out(tmp_path: Path) -> None:
    """Two hundred idle connections leave room for a mail."""
    async with listening(tmp_path, connections=250, connections_per_client=250) as door:
        writers = [(await asyncio.open_connection("127.0.0.1", door.port))[1] for _ in range(200)]
        async with connected(door.port) as client:
            assert (await client.mail(RAW)).startswith("250")
        for writer in writers:
            writer.close()
            await writer.wait_closed()
