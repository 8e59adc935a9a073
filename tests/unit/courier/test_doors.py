"""The doors: files that are written once, and a relay that may say anything or nothing."""

import shutil
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from itaca.contracts.ids import OutboxId
from itaca.errors import PermanentError, TransientError
from services.courier.doors import AnswerLostError, MaildirDoor, RelayDoor, open_door
from services.courier.messages import _POLICY
from services.courier.settings import CourierSettings
from tests.support.ports import free_port
from tests.support.rabbitmq import is_listening
from tests.support.require import require
from tests.support.scripted_relay import HANG_UP, SILENCE, scripted_relay
from tests.support.waiting import until

ENTRY = OutboxId("0190-entry")
TO = "anna@posta.example"


def letter(text: str = "Gentile cliente,\n.\n..fine\n") -> EmailMessage:
    message = EmailMessage(_POLICY)
    message["Subject"] = "Ricevuto"
    message.set_content(text, cte="quoted-printable")
    return message


def relay_door(port: int, timeout_s: float = 30.0) -> RelayDoor:
    return RelayDoor(CourierSettings(relay_host="127.0.0.1", relay_port=port, relay_timeout_s=timeout_s))


async def deliver(port: int, timeout_s: float = 30.0, recipient: str = TO) -> None:
    await relay_door(port, timeout_s).deliver(ENTRY, letter(), "", recipient)


async def test_a_relay_gets_the_mail_with_the_null_sender() -> None:
    """RFC 3834, RFC 5321: MAIL FROM:<>, one recipient, dots doubled, QUIT at the end."""
    async with scripted_relay() as relay:
        await deliver(relay.port)
        await until(lambda: "QUIT" in relay.commands, "the conversation ends politely")
    assert [c.split(" ")[0] for c in relay.commands] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert relay.commands[1].startswith("MAIL FROM:<>")
    assert relay.commands[2] == f"RCPT TO:<{TO}>"
    assert b"\r\n..\r\n...fine\r\n" in relay.mails[0]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "text"])
@pytest.mark.parametrize(("answer", "error"), [("451 later", TransientError), ("550 no", PermanentError)])
async def test_a_refusal_is_again_later_or_never(step: str, answer: str, error: type[Exception]) -> None:
    """4xx and 5xx to the mail mean what they say, and only the code is kept: answers may quote addresses."""
    async with scripted_relay(**{step: f"{answer} {TO}"}) as relay:
        with pytest.raises(error, match=answer[:3]) as caught:
            await deliver(relay.port)
    assert not isinstance(caught.value, AnswerLostError)
    assert TO not in str(caught.value)


async def test_a_relay_that_wants_tls_or_a_password_first_refuses_no_mail() -> None:
    """530 (RFC 3207, RFC 4954) is about our settings: what is to leave waits until somebody has mended them."""
    async with scripted_relay(MAIL="530 5.7.0 Must issue a STARTTLS command first") as relay:
        with pytest.raises(TransientError, match="530"):
            await deliver(relay.port)


@pytest.mark.parametrize("answer", ["554 go away", "421 busy", HANG_UP])
async def test_a_relay_that_does_not_talk_to_us_refuses_no_mail(answer: str) -> None:
    """A greeting of 5xx says something about the relay: the customer's answer leaves later."""
    async with scripted_relay(connect=answer) as relay:
        with pytest.raises(TransientError):
            await deliver(relay.port)


async def test_nobody_listens() -> None:
    """A relay that is down is tried again."""
    with pytest.raises(TransientError, match="cannot be reached"):
        await deliver(free_port())


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [HANG_UP, SILENCE])
async def test_before_the_text_nothing_can_have_left(step: str, fault: str) -> None:
    """A connection lost or silent before the first byte of the text is simply tried again."""
    async with scripted_relay(**{step: fault}) as relay:
        with pytest.raises(TransientError) as caught:
            await deliver(relay.port, timeout_s=0.3)
    assert not isinstance(caught.value, AnswerLostError)
    assert relay.mails == []


@pytest.mark.parametrize("fault", [HANG_UP, SILENCE])
async def test_after_the_dot_nobody_knows(fault: str) -> None:
    """RFC 1047: the relay has the whole mail and says nothing more."""
    # Time enough for what comes before the dot, on a busy machine too: silence there would be another error.
    async with scripted_relay(text=fault) as relay:
        with pytest.raises(AnswerLostError):
            await deliver(relay.port, timeout_s=3)
    assert len(relay.mails) == 1


async def test_silence_after_a_good_answer_changes_nothing() -> None:
    """250 is 250, whatever becomes of QUIT."""
    async with scripted_relay(QUIT=HANG_UP) as relay:
        await deliver(relay.port)
    assert len(relay.mails) == 1


async def test_an_address_that_smtp_cannot_say_is_refused_for_good() -> None:
    """Letters beyond ASCII need SMTPUTF8; nothing is guessed, nobody crashes."""
    async with scripted_relay() as relay:
        with pytest.raises(PermanentError):
            await deliver(relay.port, recipient="però@posta.example")


async def test_starttls_is_insisted_on() -> None:
    """A relay that offers no TLS where TLS was demanded gets no mail."""
    async with scripted_relay() as relay:
        settings = CourierSettings(relay_host="127.0.0.1", relay_port=relay.port, relay_starttls=True)
        with pytest.raises(TransientError):
            await RelayDoor(settings).deliver(ENTRY, letter(), "", TO)
    assert relay.mails == []


@pytest.mark.parametrize(("option", "error"), [("-f", PermanentError), ("-q", TransientError)])
async def test_a_foreign_hostile_relay(option: str, error: type[Exception]) -> None:
    """Postfix' smtp-sink: a hard refusal of RCPT, and a connection cut at DATA before any text."""
    program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")
    if program is None:
        require("postfix", "smtp-sink is missing: install the Debian package postfix")
    port = free_port()
    verb = {"-f": "rcpt", "-q": "data"}[option]
    user = ["-u", "nobody"]
    child = subprocess.Popen([program, *user, option, verb, f"127.0.0.1:{port}", "10"], stderr=subprocess.DEVNULL)
    try:
        await until(lambda: is_listening(port), "smtp-sink listens")
        with pytest.raises((PermanentError, TransientError)) as caught:
            await deliver(port)
        assert not isinstance(caught.value, AnswerLostError)
        assert isinstance(caught.value, error)
    finally:
        child.terminate()
        child.wait(10)


async def test_a_file_is_written_once(tmp_path: Path) -> None:
    """The same entry again replaces the file; seen and flagged by a reader it is left alone."""
    door = MaildirDoor(tmp_path)
    await door.deliver(ENTRY, letter("eins"), "", TO)
    await door.deliver(ENTRY, letter("zwei"), "", TO)
    (file,) = tmp_path.rglob("*.itaca")
    assert file == tmp_path / TO / "new" / f"{ENTRY}.itaca"
    assert b"zwei" in file.read_bytes()
    file.rename(tmp_path / TO / "cur" / f"{ENTRY}.itaca:2,RS")
    await door.deliver(ENTRY, letter("drei"), "", TO)
    assert [f.name for f in tmp_path.rglob("*.itaca*")] == [f"{ENTRY}.itaca:2,RS"]


@pytest.mark.parametrize("recipient", ["../../etc/x", "..", "/", "a/b@c", "x" * 5_000 + "@y", "\x00", "a\nb"])
async def test_no_recipient_leads_out_of_the_folder(tmp_path: Path, recipient: str) -> None:
    """Whatever the address, the file lies one box below the folder."""
    await MaildirDoor(tmp_path / "outbox").deliver(ENTRY, letter(), "", recipient)
    (file,) = tmp_path.rglob("*.itaca")
    assert file.parents[2] == tmp_path / "outbox"


async def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """A full or missing disk is no reason to give up."""
    (tmp_path / "outbox").write_text("a file where a folder should be")
    with pytest.raises(TransientError, match="cannot be written"):
        await MaildirDoor(tmp_path / "outbox").deliver(ENTRY, letter(), "", TO)


def test_the_settings_choose_the_door(tmp_path: Path) -> None:
    """A relay if one is named, else files; only files may be written twice."""
    assert open_door(CourierSettings(), tmp_path).is_idempotent
    assert not open_door(CourierSettings(relay_host="mx"), tmp_path).is_idempotent
