"""Labels from IMAP folders: every mail is read, nothing is changed, and no password goes out in the clear."""

from pathlib import Path

import pytest

from itaca.contracts.intents import Intent
from itaca.errors import PermanentError, TransientError
from services.classifier.training.imap_folders import encode_name, labelled_in, parse_folder
from services.classifier.training.label_sources import import_labels
from services.classifier.training.labels import read_labels
from tests.support.ingest import make_certificate
from tests.support.scripted_imap import PASSWORD, ImapAccount, imap_account

AT = "2026-03-01T10:00:00+00:00"
FIRST = b"From: C <c@example.it>\r\nSubject: Pacco\r\n\r\nNon e' arrivato.\r\n"
SECOND = b"From: d@example.it\r\nSubject: Rimborso\r\n\r\nAspetto da un mese.\r\n) A1 OK\r\n"
FOLDERS = {"Posta/Reclami &AOg- &- altro": [FIRST, SECOND], "Vuota": []}
READING = ("CAPABILITY", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH")


def address(
    account: ImapAccount, folder: str = "Posta/Reclami%20%C3%A8%20%26%20altro", labels: str = "reclami"
) -> str:
    return f"imap://etichette%40azienda.example@127.0.0.1:{account.port}/{folder}={labels}"


def test_a_folder_becomes_labels_and_stays_as_it_is(tmp_path: Path) -> None:
    """Both mails arrive whole, with sender and label; the server hears only commands that read."""
    target = tmp_path / "labels.jsonl"
    with imap_account(FOLDERS) as account:
        rows = labelled_in(parse_folder(address(account)), PASSWORD)
        assert import_labels([rows], target, "anna@azienda.example", AT) == 2
    first, second = read_labels([target])
    assert (first.sender, first.example.text.new_text) == ("c@example.it", "Non e' arrivato.")
    assert "Aspetto da un mese." in second.example.text.new_text
    assert first.example.labels == second.example.labels == {Intent.COMPLAINT}
    assert all(command.startswith(READING) for command in account.said)


@pytest.mark.parametrize(("password", "folder"), [("falsa", "Vuota"), (PASSWORD, "Altrove")])
def test_a_refusal_adds_nothing_and_hides_the_password(tmp_path: Path, password: str, folder: str) -> None:
    """A wrong password or folder is no empty import, and the sentence does not repeat the password."""
    with imap_account(FOLDERS) as account, pytest.raises(PermanentError, match="refuses") as refusal:
        import_labels([labelled_in(parse_folder(address(account, folder)), password)], tmp_path / "l", "anna", AT)
    assert password not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_hangs_up_adds_nothing(tmp_path: Path) -> None:
    """Half a folder is no folder: it can be tried again."""
    with imap_account(FOLDERS, hangs_up=True) as account, pytest.raises(TransientError):
        import_labels([labelled_in(parse_folder(address(account)), PASSWORD)], tmp_path / "l", "anna", AT)
    assert list(tmp_path.iterdir()) == []


def test_the_password_goes_to_a_server_with_a_good_certificate_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for ends it before a word is said; with a known one the mails arrive."""
    certificate, key = make_certificate(tmp_path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with imap_account(FOLDERS, certificate=(certificate, key)) as account:
        place = parse_folder(address(account).replace("imap://", "imaps://").replace("127.0.0.1", "localhost"))
        with pytest.raises(PermanentError, match="is not who it says"):
            list(labelled_in(place, PASSWORD))
        assert account.said == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert [row["from"] for row in labelled_in(place, PASSWORD)] == ["c@example.it", "d@example.it"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("imap://anna@mail.example.it/Reclami=complaint", "in the clear"),
        ("imaps://anna:secret@mail.example.it/Reclami=complaint", "password"),
        ("imaps://mail.example.it/Reclami=complaint", "form"),
        ("imaps://anna@mail.example.it/=complaint", "form"),
        ("imaps://anna@mail.example.it/Reclami=gripe", "gripe"),
        ("imaps://anna%0d%0aA1%20DELETE@mail.example.it/Reclami=complaint", "control characters"),
        ("imaps://anna@mail.example.it:port/Reclami=complaint", "IMAP address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(wrong: str, why: str) -> None:
    """Before anything is sent, with the reason."""
    with pytest.raises(PermanentError, match=why):
        parse_folder(wrong)


def test_the_port_follows_the_scheme() -> None:
    """993 with TLS unless another is named."""
    assert parse_folder("imaps://anna@mail.example.it/Reclami=complaint").port == 993
    assert parse_folder("imaps://anna@mail.example.it:1993/Reclami=complaint").port == 1993


def test_names_are_spelt_as_the_standard_does() -> None:
    """The example of RFC 3501, 5.1.3, and what must be quoted."""
    assert encode_name("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert encode_name('a "b" \\ & c') == 'a \\"b\\" \\\\ &- c'
