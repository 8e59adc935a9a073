"""What strangers say at the door: each command out of place, out of bounds or out of mind has a fixed answer."""

import ssl
from pathlib import Path

import pytest

from tests.support.ingest import listening, make_certificate
from tests.support.smtp_client import SmtpClient, connected
from tests.support.waiting import until

RAW = b"From: a@example.org\r\nSubject: Prova\r\n\r\nDove sono i libri?\r\n"
MAIL, RCPT = "MAIL FROM:<a@example.org>", "RCPT TO:<reclami@shop.example>"
SAID: dict[str, tuple[list[bytes | str], str]] = {
    "DATA before RCPT": ([MAIL, "DATA"], "503"),
    "RCPT before MAIL": ([RCPT], "503"),
    "MAIL twice": ([MAIL, MAIL], "503"),
    "an unknown verb": (["WIZ"], "500"),
    "an empty line": ([""], "500"),
    "a command of 600 bytes": (["NOOP " + "x" * 600], "500"),
    "a command of 200,000 bytes": (["NOOP " + "x" * 200_000], "500"),
    "NUL in a command": ([b"NO\0OP"], "500"),
    "8-bit in a verb": ([b"N\xf6\xf6P"], "500"),
    "the null sender": (["MAIL FROM:<>"], "250"),
    "a negative size": ([MAIL + " SIZE=-1"], "501"),
    "a size of no digits": ([(MAIL + " SIZE=²").encode()], "501"),
    "a size without a value": ([MAIL + " SIZE="], "501"),
    "a size that is said twice": ([MAIL + " SIZE=x SIZE=1"], "501"),
    "a size of thirteen digits": ([MAIL + " SIZE=9999999999999"], "552"),
    "a size of fifty digits": ([MAIL + " SIZE=" + "9" * 50], "501"),
    "8BITMIME": ([MAIL + " BODY=8BITMIME"], "250"),
    "an unknown body": ([MAIL + " BODY=BINARYMIME"], "501"),
    "SMTPUTF8": ([MAIL + " SMTPUTF8"], "250"),
    "SMTPUTF8 with a value": ([MAIL + " SMTPUTF8=yes"], "501"),
    "an unknown parameter of MAIL": ([MAIL + " AUTH=<>"], "555"),
    "an unknown parameter of RCPT": ([MAIL, RCPT + " NOTIFY=NEVER"], "555"),
    "a source route": ([MAIL, "RCPT TO:<@a.example,@b.example:c@shop.example>"], "250"),
    "a quoted local part": ([MAIL, 'RCPT TO:<"tim o\'connor"@shop.example>'], "250"),
    "an address of 321 characters": (["MAIL FROM:<" + "a" * 307 + "@example.org> "], "250"),
    "no address": (["MAIL FROM:<"], "553"),
    "nothing after FROM": (["MAIL FROM:"], "501"),
    "TO instead of FROM": (["MAIL TO:<a@example.org>"], "501"),
    "an IPv6 literal in HELO": (["HELO [IPv6:2001:db8::1]"], "250"),
    "garbage in EHLO": ([b"EHLO \xff\xfe\x01(;:)"], "250"),
    "HELO twice": (["HELO a", "HELO b"], "250"),
    "EHLO forgets the mail": ([MAIL, "EHLO b", RCPT], "503"),
    "BDAT": ([MAIL, RCPT, "BDAT 3 LAST"], "500"),
    "ETRN": (["ETRN #x"], "500"),
    "TURN": (["TURN"], "500"),
    "EXPN": (["EXPN staff"], "502"),
    "VRFY": (["VRFY postmaster"], "252"),
    "XCLIENT": (["XCLIENT ADDR=127.0.0.1"], "500"),
    "PROXY": (["PROXY TCP4 127.0.0.1 127.0.0.1 1 2"], "500"),
    "STARTTLS without a certificate": (["STARTTLS"], "454"),
}


async def speak(client: SmtpClient, line: bytes | str) -> str:
    await client.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
    return await client.reply()


@pytest.mark.parametrize("name", SAID)
async def test_every_odd_command_has_its_answer_and_the_session_goes_on(tmp_path: Path, name: str) -> None:
    """The code of the RFC, no text of a library or of ours, and after it a mail is taken as before."""
    lines, code = SAID[name]
    async with listening(tmp_path) as door, connected(door.port) as client:
        replies = [await speak(client, line) for line in lines]
        assert replies[-1].startswith(code), replies
        assert not any("Error" in reply or "Traceback" in reply for reply in replies)
        await client.say("RSET")
        assert (await client.mail(RAW)).startswith("250 2.6.0")


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"])
async def test_a_web_client_is_sent_away_at_its_first_line(tmp_path: Path, verb: str) -> None:
    """What a page made a browser send after the first line is carried out by nobody, and nothing comes back."""
    async with listening(tmp_path) as door, connected(door.port, hello="") as client:
        await client.reply()
        body = f"{MAIL}\r\n{RCPT}\r\nDATA\r\nSubject: falso\r\n\r\n.\r\n"
        await client.send(f"{verb} /<b>x</b> HTTP/1.1\r\nHost: x\r\n\r\n{body}".encode())
        assert await client.reply() == "421 4.7.0 Only SMTP is spoken here"
        assert not door.ledger.mails


async def test_a_tls_hello_on_the_plain_port_harms_nobody(tmp_path: Path) -> None:
    """A client that begins with TLS gets no mail in and ends; the next one is served."""
    async with listening(tmp_path, idle_timeout_s="2") as door:
        async with connected(door.port, hello="") as client:
            await client.reply()
            hello, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = ssl.create_default_context()
            with pytest.raises(ssl.SSLWantReadError):
                context.wrap_bio(hello, out, server_hostname="localhost").do_handshake()
            await client.send(out.read())
            assert (await client.reply())[:3] in ("500", "421", "502")
        async with connected(door.port) as client:
            assert (await client.mail(RAW)).startswith("250 2.6.0")


async def test_an_unknown_command_is_not_repeated(tmp_path: Path) -> None:
    """What came in does not come back: the reply to any unknown command is the same."""
    async with listening(tmp_path) as door, connected(door.port) as client:
        replies = {await client.say(word) for word in ("<SCRIPT>ALERT(1)</SCRIPT>", "XYZZY", "PASS sesamo")}
        assert replies == {"500 5.5.1 Command not recognized"}


async def test_a_byte_now_and_then_is_no_command(tmp_path: Path) -> None:
    """Slowloris: bytes that never become a command buy no time."""
    async with listening(tmp_path, idle_timeout_s="2.5") as door, connected(door.port) as client:
        connections = door.stage._door.connections

        async def dribbled() -> bool:
            if connections.open:
                client.writer.write(b"x")
            return connections.open == 0

        await until(dribbled, "the slow client is sent away", 30)
        assert door.count("itaca_mails_deferred_total", reason="idle") == 1


async def test_relay_for_nobody(tmp_path: Path) -> None:
    """Every spelling of somebody else's recipient is refused, percent hacks, routes and bangs among them."""
    foreign = [
        "x@other.example", "x%other.example@gateway.example", "@shop.example:x@other.example", '"x@other.example"@y',
        "other.example!x@else.example", "x@shop.example.other.example", "x@SHOP.EXAMPLE@other.example",
        "x@[127.0.0.1]", "x@shop.example@other.example", "x",
    ]  # fmt: skip
    async with (
        listening(tmp_path, recipients="@shop.example", error_limit=99) as door,
        connected(door.port) as client,
    ):
        await client.say(MAIL)
        for address in foreign:
            assert (await client.say(f"RCPT TO:<{address}>"))[:3] in ("550", "553", "501"), address
        assert (await client.say("DATA")).startswith("503")
        assert not door.ledger.mails


@pytest.mark.parametrize(
    "command", ["MAIL FROM:<evil@example.org>", "EHLO evil", "RCPT TO:<a@shop.example>", "AUTH PLAIN x"]
)
async def test_starttls_injection_of_any_command(tmp_path: Path, command: str) -> None:
    """Whatever is pipelined behind STARTTLS in the clear is neither carried out nor answered inside."""
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=certificate)
    async with (
        listening(tmp_path, tls_certificate=certificate, tls_key=key) as door,
        connected(door.port) as client,
    ):
        await client.send(f"STARTTLS\r\n{command}\r\n".encode())
        assert (await client.reply()).startswith("220")
        await client.writer.start_tls(context, server_hostname="localhost")
        assert (await client.say("EHLO client.example")).startswith("250-")
        assert (await client.say(RCPT)).startswith("503")
        assert (await client.mail(RAW)).startswith("250 2.6.0")
        assert [kept.envelope.sender for kept in door.ledger.mails] == ["a@example.org"]
