"""STARTTLS and AUTH: nothing said in the clear counts afterwards, and no password travels in the clear."""

import base64
import ssl
from pathlib import Path

import pytest

from itaca.errors import PermanentError
from services.ingest.tls import load_tls
from services.ingest.users import Users, new_line
from tests.support.ingest import listening, make_certificate
from tests.support.smtp_client import SmtpClient, connected

RAW = b"Subject: x\r\n\r\nx\r\n"
SALT = b"0123456789abcdef"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users"
    path.write_text("# who may log in\n" + new_line("posta", "portami a casa", SALT) + "\n", encoding="utf-8")
    return path


def trusting(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


def tls_fields(certificate: tuple[Path, Path]) -> dict[str, object]:
    return {"tls_certificate": certificate[0], "tls_key": certificate[1]}


async def secure(client: SmtpClient, certificate: Path) -> str:
    await client.start_tls(trusting(certificate))
    return await client.say("EHLO client.example")


async def test_mail_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """STARTTLS is offered in the clear, not again inside, and mail of several packets goes through it."""
    async with listening(tmp_path, **tls_fields(certificate)) as door, connected(door.port) as client:
        assert "STARTTLS" in await client.say("EHLO client.example")
        inside = await secure(client, certificate[0])
        assert "STARTTLS" not in inside
        assert "AUTH" not in inside
        assert (await client.mail(RAW + b"y" * 400_000)).startswith("250 2.6.0")
        assert (await client.say("QUIT")).startswith("221")


async def test_starttls_injection_is_discarded(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Commands sent in one packet with STARTTLS are not carried out after the handshake (CVE-2024-34083)."""
    async with listening(tmp_path, **tls_fields(certificate)) as door, connected(door.port) as client:
        await client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<a@b.example>\r\n")
        assert (await client.reply()).startswith("220")
        await client.writer.start_tls(trusting(certificate[0]), server_hostname="localhost")
        assert (await client.say("MAIL FROM:<a@b.example>")).startswith("503")
        assert (await client.say("EHLO x")).startswith("250")
        assert (await client.say("RCPT TO:<a@b.example>")).startswith("503")


async def test_what_was_said_before_starttls_is_forgotten(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """The envelope begun in the clear does not live on inside (RFC 3207, 4.2)."""
    async with listening(tmp_path, **tls_fields(certificate)) as door, connected(door.port) as client:
        await client.say("MAIL FROM:<a@b.example>")
        await client.start_tls(trusting(certificate[0]))
        assert (await client.say("RCPT TO:<a@b.example>")).startswith("503")


async def test_a_failed_handshake_frees_its_slot(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Garbage instead of a handshake ends the connection and leaves no trace of it."""
    async with listening(tmp_path, **tls_fields(certificate)) as door:
        async with connected(door.port) as client:
            assert (await client.say("STARTTLS")).startswith("220")
            await client.send(b"EHLO in the clear\r\n" * 20)
            await client.reader.read()
        async with connected(door.port) as client:
            assert (await client.mail(RAW)).startswith("250")
        assert door.count("itaca_smtp_connections") <= 1


async def test_auth_only_over_tls(tmp_path: Path, certificate: tuple[Path, Path], users_file: Path) -> None:
    """AUTH is neither offered nor taken in the clear; over TLS the right password opens the door to a stranger."""
    fields = tls_fields(certificate) | {"users_file": users_file, "networks": "10.0.0.0/8"}
    async with listening(tmp_path, **fields) as door, connected(door.port) as client:
        assert "AUTH" not in await client.say("EHLO client.example")
        assert (await client.login_plain("posta", "portami a casa")).startswith("538 5.7.11")
        assert "250-AUTH LOGIN PLAIN" in await secure(client, certificate[0])
        assert (await client.say("MAIL FROM:<a@b.example>")).startswith("550 5.7.1")
        assert (await client.login_plain("posta", "sbagliata")).startswith("535 5.7.8")
        assert (await client.login_plain("nessuno", "portami a casa")).startswith("535 5.7.8")
        assert (await client.login_plain("posta", "portami a casa")).startswith("235 2.7.0")
        assert (await client.mail(RAW)).startswith("250 2.6.0")


async def test_auth_login_in_three_steps(tmp_path: Path, certificate: tuple[Path, Path], users_file: Path) -> None:
    """AUTH LOGIN asks for name and password; a broken answer is refused and the session goes on."""
    fields = tls_fields(certificate) | {"users_file": users_file}
    async with listening(tmp_path, **fields) as door, connected(door.port) as client:
        await secure(client, certificate[0])
        assert (await client.say("AUTH LOGIN")).startswith("334")
        assert (await client.say("***")).startswith("501 5.5.2")
        assert (await client.say("AUTH LOGIN")).startswith("334")
        assert (await client.say(base64.b64encode(b"posta").decode())).startswith("334")
        assert (await client.say(base64.b64encode(b"portami a casa").decode())).startswith("235")


async def test_auth_without_users_is_refused(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Where nobody may log in AUTH does not exist."""
    async with listening(tmp_path, **tls_fields(certificate)) as door, connected(door.port) as client:
        await secure(client, certificate[0])
        assert (await client.login_plain("posta", "x")).startswith("502 5.5.1")


def test_bad_certificates_name_their_fault(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """An expired certificate, another one's key, a file that is none and a missing file are told apart."""
    other = make_certificate(tmp_path, "other")
    old = make_certificate(tmp_path, "old", has_expired=True)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate", encoding="utf-8")
    assert load_tls(*certificate)
    for pair, words in [
        (old, "has expired"),
        ((certificate[0], other[1]), "does not belong"),
        ((garbage, garbage), "not a certificate"),
        ((tmp_path / "absent.pem", certificate[1]), "cannot be read"),
    ]:
        with pytest.raises(PermanentError, match=words):
            load_tls(*pair)


@pytest.mark.parametrize(
    "line", ["posta", "posta:plain", "posta:scrypt$3$8$1$AAAA$AAAA", "posta:scrypt$x$8$1$AA==$AA==", ":scrypt"]
)
def test_a_malformed_users_file_names_the_line(tmp_path: Path, line: str) -> None:
    """A line that cannot be used is named by its number, without its content."""
    path = tmp_path / "users"
    path.write_text(f"# users\n{line}\n", encoding="utf-8")
    with pytest.raises(PermanentError, match="line 2") as caught:
        Users.from_file(path)
    assert "posta" not in str(caught.value)


def test_a_users_file_without_users_is_refused(tmp_path: Path) -> None:
    """An empty file would lock everybody out in silence."""
    path = tmp_path / "users"
    path.write_text("# nobody\n", encoding="utf-8")
    with pytest.raises(PermanentError, match="nobody"):
        Users.from_file(path)
    with pytest.raises(PermanentError, match="cannot be read"):
        Users.from_file(tmp_path / "absent")
