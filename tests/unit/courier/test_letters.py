"""The letters: what they say in five languages, and that nothing a customer writes can break them."""

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.contracts.ids import OutboxId
from itaca.contracts.intents import CaseKind, PromiseKind
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from services.courier.messages import Letters, ascii_address
from tests.support.case_facts import person
from tests.support.examples import examples
from tests.support.letter_facts import MAIL_ID, SHOP, context, matter

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
ENTRY = OutboxId("0190-entry")
LETTERS = Letters("Servizio Clienti", "", "", ZoneInfo("Europe/Rome"))
CUSTOMER = "anna@posta.example"


def parsed(message: EmailMessage) -> EmailMessage:
    return email.message_from_bytes(bytes(message), policy=default)


def acknowledged(*matters, text: MailText | None = None, letters: Letters = LETTERS) -> EmailMessage:
    about = context(*(matters or (matter(),)), text=text or MailText(subject="Libri", language="it"))
    return parsed(letters.acknowledgement(ENTRY, CUSTOMER, about, NOW))


def body(message: EmailMessage) -> str:
    found = message.get_body(("plain",))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "it",
            ["9 marzo 2026, ore 09:30", "giovedì 12 marzo 2026", "Il suo reclamo (riferimento IT-7", "Chiara Bassi"],
        ),
        (
            "en",
            ["March 9, 2026, 09:30", "Thursday, March 12, 2026", "Your complaint (reference IT-7", "Chiara Bassi"],
        ),
        ("de", ["9. März 2026, 09:30 Uhr", "Donnerstag, 12. März 2026", "Ihre Beschwerde (Vorgang IT-7"]),
        ("fr", ["9 mars 2026 à 09:30", "jeudi 12 mars 2026", "Votre réclamation (référence IT-7"]),
        ("es", ["9 de marzo de 2026 a las 09:30", "jueves, 12 de marzo de 2026", "Su reclamación (referencia IT-7"]),
        ("nl", ["9 marzo 2026"]),
        ("", ["9 marzo 2026"]),
    ],
)
def test_an_acknowledgement_speaks_the_customers_language(language: str, says: list[str]) -> None:
    """Dates as its readers write them, reference, owner, where evidence goes; Italian as a last resort."""
    text = body(acknowledged(text=MailText(subject="x", language=language)))
    for part in [*says, SHOP]:
        assert part in text
    assert "{" not in text


@pytest.mark.parametrize("language", ["it", "en", "de", "fr", "es"])
@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_kind_and_promise_has_its_words(language: str, kind: CaseKind) -> None:
    """No kind of case or promise is without a text in any language; an order names the order service."""
    for promise in PromiseKind:
        said = body(acknowledged(matter(kind, owner="", promise=promise), text=MailText(language=language)))
        assert "IT-7" in said
        assert "12" in said


def test_evidence_goes_where_the_settings_say() -> None:
    """The address for evidence and the sender are the company's to choose."""
    letters = Letters("Club", "servizio@club.example", "prove@club.example", ZoneInfo("Europe/Rome"))
    message = acknowledged(letters=letters)
    assert "prove@club.example" in body(message)
    assert message["From"].addresses[0].addr_spec == "servizio@club.example"


def test_all_matters_stand_in_one_letter() -> None:
    """One answer for an order and a complaint; the subject carries the first reference."""
    message = acknowledged(matter(reference="IT-70000-00001"), matter(CaseKind.ORDER, "IT-70000-00002", owner=""))
    assert "IT-70000-00001" in body(message)
    assert "IT-70000-00002" in body(message)
    assert message["Subject"] == "Re: Libri [IT-70000-00001]"


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Re: R: RIF: Aw:  Libri", "Re: Libri [IT-70000-00001]"),
        ("", "Re: [IT-70000-00001]"),
        ("Reclamo", "Re: Reclamo [IT-70000-00001]"),
        ("x" * 500, f"Re: {'x' * 80} [IT-70000-00001]"),
        ("a\r\nBcc: x@evil.example", "Re: a Bcc: x@evil.example [IT-70000-00001]"),
        ("a\x00b\u202egnp.exe\u2066", "Re: a b gnp.exe [IT-70000-00001]"),
        ("=?utf-8?q?a=0D=0ABcc:_x@evil.example?=", "Re: = ?utf-8?q?a=0D=0ABcc:_x@evil.example?= [IT-70000-00001]"),
    ],
)
def test_the_subject_is_answered_and_tamed(subject: str, answer: str) -> None:
    """Prefixes are not piled up; line ends, NUL and bidirectional controls become blanks."""
    assert str(acknowledged(matter(), text=MailText(subject=subject, language="it"))["Subject"]) == answer


def test_rfc3834_headers() -> None:
    """RFC 3834: automatic by its headers, known again by its Message-ID, and no quoted text."""
    text = MailText(
        subject="x", new_text="SEGRETO", message_id="<m@posta.example>", references=("<l@posta.example>",)
    )
    message = acknowledged(text=text)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Message-ID"] == f"<ack.{MAIL_ID}.{ENTRY}@shop.example>"
    assert message["In-Reply-To"] == "<m@posta.example>"
    assert message["References"] == "<l@posta.example> <m@posta.example>"
    assert "SEGRETO" not in message.as_string()


def test_a_long_message_id_stays_as_it_is() -> None:
    """RFC 5322: ids longer than a folded line are not encoded, or no mail program would thread the answer."""
    long_id = f"<{'x' * 200}@posta.example>"
    raw = bytes(
        LETTERS.acknowledgement(
            ENTRY, CUSTOMER, context(matter(), text=MailText(message_id=long_id, references=(long_id, "<b@c>"))), NOW
        )
    )
    assert f"In-Reply-To: {long_id}\r\n".encode() in raw
    assert f"References: {long_id}\r\n <b@c>".encode() in raw or f"<b@c>\r\n {long_id}".encode() in raw
    assert b"=?utf-8?q?=3C" not in raw


@pytest.mark.parametrize("message_id", ["", "m@x", "<a b@x>", "<a@x>\r\nBcc: y@z", "<è@x>", f"<{'x' * 300}@y>", "<>"])
def test_only_a_valid_message_id_is_answered(message_id: str) -> None:
    """What is no id is left out; the letter leaves all the same."""
    message = acknowledged(text=MailText(message_id=message_id, references=("<ok@x>", message_id)))
    assert message["In-Reply-To"] is None
    assert message["References"] == "<ok@x>"


def test_a_notice_tells_a_colleague_what_to_know() -> None:
    """Why, until when, who wrote and what; in the colleague's language; marked as generated."""
    text = MailText(subject="VERGOGNA", new_text="Primo\nSecondo")
    about = context(matter(reasons=("contact number 3 on this matter",)), text=text)
    message = parsed(LETTERS.notice(ENTRY, person("marco", languages=("en",)), "promise_broken", about, NOW))
    assert message["To"].addresses[0].addr_spec == "marco@shop.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<notice.{ENTRY}@shop.example>"
    for part in ("A promise was broken", "contact number 3", "Thursday, March 12", "VERGOGNA", "> Primo\n> Secondo"):
        assert part in body(message).replace("\r\n", "\n")


@pytest.mark.parametrize("event", ["opened", "appended", "reopened", "violated", "promise_broken", "still_broken"])
@pytest.mark.parametrize("language", ["it", "en", "de"])
def test_every_event_has_a_notice(event: str, language: str) -> None:
    """A colleague whose language we do not write reads Italian."""
    message = parsed(LETTERS.notice(ENTRY, person("marco", languages=(language,)), event, context(matter()), NOW))
    assert str(message["Subject"]).startswith("[IT-70000-00001] ")


def test_a_notice_of_a_huge_mail_is_bounded() -> None:
    """One endless line or a million short ones: a colleague gets the beginning."""
    for text in ("x" * 5_000_000, "x\n" * 1_000_000):
        message = LETTERS.notice(
            ENTRY, person("marco"), "opened", context(matter(), text=MailText(new_text=text)), NOW
        )
        assert len(bytes(message)) < 10_000


def test_a_handoff_carries_the_words_and_the_event() -> None:
    """The executing system reads the JSON beside the customer's text."""
    about = context(matter(CaseKind.ORDER, owner=""), text=MailText(subject="Ordine", new_text="due copie\n.\nfine"))
    message = parsed(LETTERS.handoff(ENTRY, "orders@erp.example", b'{"v":1}', about, NOW))
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("order.json", b'{"v":1}')
    assert body(message).split() == ["due", "copie", ".", "fine"]
    assert message["X-Itaca-Case"] == "IT-70000-00001"


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("a@b.example", "a@b.example"),
        ("anna@città.example", "anna@xn--citt-3na.example"),
        ("orders", "orders"),
        ("o'brien+x=1@b.example", "o'brien+x=1@b.example"),
    ],
)
def test_an_address_is_said_in_ascii(address: str, plain: str) -> None:
    """RFC 5891: a domain beyond ASCII has a spelling that every mail server knows."""
    assert ascii_address(address) == plain


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@b.example",
        "però@b.example",
        "a b@c.example",
        "a@b\r\nBcc: x@y",
        "a,b@c",
        "<a@b>",
        "a@..é.",
        "a\x00@b",
        "=?utf-8?q?=0D?=@b",
    ],
)
def test_an_address_that_cannot_be_said_is_refused(address: str) -> None:
    """Never half a letter, never another recipient: a PermanentError, which the case's history shows."""
    with pytest.raises(PermanentError):
        LETTERS.acknowledgement(ENTRY, address, context(matter()), NOW)


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.sampled_from(
    [
        "a\r\nBcc: evil@x.example",
        "\u202ex",
        "=?utf-8?q?=0D=0ABcc:_x?=",
        "è" * 150,
        "x" * 2_000,
        "\x00",
        "a\u2028b\x85c",
    ]
)


@examples(0.8)
@given(HOSTILE, HOSTILE, HOSTILE, st.lists(HOSTILE, max_size=12), st.sampled_from(["ack", "notice", "handoff"]))
def test_whatever_is_written_the_letter_has_one_recipient(subject, name, new_text, ids, kind) -> None:
    """No subject, name, text or id adds a header or a recipient; every line is ASCII of at most 998 bytes."""
    text = MailText(
        subject=subject, new_text=new_text, language="it", message_id=ids[0] if ids else "", references=tuple(ids)
    )
    about = context(matter(owner=name, reasons=(name,)), text=text)
    letters = Letters(name, "", "", ZoneInfo("Europe/Rome"))
    made = {
        "ack": lambda: letters.acknowledgement(ENTRY, CUSTOMER, about, NOW),
        "notice": lambda: letters.notice(ENTRY, person("marco"), "opened", about, NOW),
        "handoff": lambda: letters.handoff(ENTRY, CUSTOMER, b"{}", about, NOW),
    }[kind]()
    raw = bytes(made)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"\n") == raw.count(b"\r\n")
    message = email.message_from_bytes(raw, policy=default)
    assert [a.addr_spec for a in message["To"].addresses] == [CUSTOMER if kind != "notice" else "marco@shop.example"]
    assert len(message["From"].addresses) == 1
    assert not {"bcc", "cc", "resent-to"} & {name.lower() for name, _ in message.items()}
    assert not message.defects
    assert message["Date"].datetime == NOW
