"""What holds for every mail: it is read, its words are judged or a person looks, and its files are what they were."""

from hypothesis import given

from itaca.contracts.codec import encode
from itaca.contracts.events import MailReceived
from itaca.contracts.ids import MailId
from itaca.mail.defects import is_serious
from itaca.mail.model import MailText
from itaca.mail.read import extract_attachments
from itaca.mail.written import written_text
from tests.support.case_facts import NOW
from tests.support.examples import examples
from tests.support.mail_strategies import Whole, any_mails, whole_mails
from tests.support.written_mail import read


@examples(1.5)
@given(any_mails)
def test_reading_never_raises_and_fits_its_event(mail: Whole) -> None:
    """Any mail, whole or damaged, becomes a text that survives JSON and an event of bounded size."""
    text = read(mail.raw)
    assert "reading:failed" not in text.defects
    assert MailText.model_validate_json(text.model_dump_json()) == text
    assert encode(MailReceived(mail_id=MailId("m"), received_at=NOW, text=written_text(text)))
    assert [file for file, _ in extract_attachments(mail.raw)] == list(text.attachments)


@examples(1.5)
@given(whole_mails())
def test_what_a_person_sees_is_judged_or_a_person_looks(mail: Whole) -> None:
    """Every word that some program shows is in the classifier's text, unless the mail says that it may not be."""
    text = read(mail.raw)
    written = written_text(text)
    judged = f"{written.subject}\n{written.new_text}\n{written.quoted_text}"
    missing = [word for word in mail.words if word not in judged]
    assert not missing or not text.is_readable or any(map(is_serious, text.defects)), (missing, judged, text.defects)


@given(whole_mails())
def test_reading_twice_is_reading_once(mail: Whole) -> None:
    """The same bytes give the same text: a mail that is driven again is judged as before."""
    assert read(mail.raw) == read(mail.raw)
