"""A reply that kept nothing but the address: it joins, opens again, and lets nobody in who is not the customer."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, MailId, OutboxId
from itaca.contracts.intents import CaseOutcome
from itaca.keys import Keyring, open_keyring
from itaca.mail.model import Envelope, MailText
from itaca.mail.read import read_mail
from itaca.mail.reply_address import ReplyAddresses
from itaca.mail.rules import ReadingRules
from itaca.readers import Unread
from itaca.reading import RecognisingReaders
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.cases import close_case
from itaca.storage.letters import load_context
from itaca.storage.mails import save_texts
from itaca.storage.routing import Waiting
from services.courier.messages import Letters
from services.ingest.door import Recipients
from tests.support.ledger import open_ledger
from tests.support.routed import COMPLAINT, NOTHING, Desk

SHOP, ANNA = "reclami@bottega.example", "anna@posta.example"


class PlainReaders:
    """Reads in the process of the test."""

    async def read(self, mails: list[Unread]) -> list[MailText]:
        return [read_mail(mail.raw, mail.envelope, ReadingRules()) for mail in mails]

    async def close(self) -> None:
        """Nothing was started."""


class Office:
    """Takes mail in as ingest does, and writes answers as the courier does, with one key."""

    def __init__(self, desk: Desk, addresses: ReplyAddresses) -> None:
        self.desk, self.readers = desk, RecognisingReaders(PlainReaders(), addresses)
        self.letters = Letters("Bottega", "", "", ZoneInfo("Europe/Rome"), addresses)

    async def receive(self, judged: Judgement, to: str = SHOP, sender: str = ANNA, **headers: str) -> MailId:
        """Take in, read and decide about a mail that answers nothing by its headers."""
        await self.desk.pass_time(seconds=1)
        message = EmailMessage(SMTP)
        message["From"], message["To"], message["Subject"] = sender, to, "vi scrivo"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(f"Il pacco non è arrivato. {self.desk.now}")
        envelope = Envelope(sender=sender, recipients=(to,))
        raw = bytes(message)
        mail_id = (await self.desk.ledger.intake.accept(envelope, raw, "127.0.0.1")).mail_id
        (text,) = await self.readers.read([Unread(envelope, raw)])
        await self.desk.ledger.database.write(lambda c: save_texts(c, [(mail_id, text)]))
        await self.desk.route(Waiting(mail_id, judged))
        return mail_id

    async def answered(self, mail_id: MailId) -> str:
        """Answer the mail, close its case a day later, and return the address at which the answer is answered."""
        case_id = CaseId((await self.desk.cases())[0].id)
        context = await self.desk.ledger.database.read(lambda c: load_context(c, mail_id, [case_id]))
        letter = self.letters.reply(OutboxId("0190"), ANNA, "Re: vi scrivo", "Eccolo.", context, self.desk.now)
        await self.desk.pass_time(days=1)
        now, rng = self.desk.now, self.desk.ledger.rng
        await self.desk.ledger.database.write(
            lambda c: close_case(c, case_id, CaseOutcome.ANSWERED, "answered", now, rng, "agent")
        )
        return str(letter["Reply-To"].addresses[0].addr_spec)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Give an office with a key of its own."""
    settings = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path), "ITACA_REPLY_TOKENS": "true"})
    async with open_ledger("sqlite://") as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        yield Office(desk, ReplyAddresses(open_keyring(settings)))


@pytest.mark.parametrize("judged", [NOTHING, COMPLAINT])
async def test_a_reply_by_the_address_alone_opens_its_case_again(office: Office, judged: Judgement) -> None:
    """No References, no reference in the subject, the address in capitals: the case is open, and the only one."""
    address = await office.answered(await office.receive(COMPLAINT))
    assert address.startswith("reclami+")
    await office.receive(judged, to=address.upper())
    (case,) = await office.desk.cases()
    assert (case.status, (await office.desk.history(case.id))[-1]) == ("open", "reopened")
    assert await office.desk.problems() == []


async def test_a_forged_address_joins_nothing(office: Office) -> None:
    """Signed by another key, or with a letter changed: a mail like any other, which names no case."""
    address = await office.answered(await office.receive(COMPLAINT))
    (case,) = await office.desk.cases()
    other = ReplyAddresses(Keyring([bytes(32)])).tagged(SHOP, case.reference)
    for forged in (other, address.replace("@", "a@")):
        await office.receive(NOTHING, to=forged)
    (after,) = await office.desk.cases()
    assert (after.status, (await office.desk.history(case.id))[-1]) == ("closed", "closed")


async def test_the_address_alone_lets_no_stranger_in(office: Office) -> None:
    """Whoever got the answer forwarded is shown beside the case, unverified, and their complaint is their own."""
    address = await office.answered(await office.receive(COMPLAINT))
    (case,) = await office.desk.cases()
    await office.receive(NOTHING, to=address, sender="x@altrove.example")
    await office.receive(COMPLAINT, to=address, sender="x@altrove.example")
    first, second = await office.desk.cases()
    assert (first.status, first.customer_id == second.customer_id) == ("closed", False)
    assert (await office.desk.history(case.id))[3:] == ["related", "related"]


async def test_a_machine_at_the_address_opens_nothing(office: Office) -> None:
    """Out of office: kept beside the case, and nobody is answered."""
    address = await office.answered(await office.receive(COMPLAINT))
    acknowledged = len(await office.desk.acknowledged())
    await office.receive(NOTHING, to=address, Auto_Submitted="auto-replied")
    (case,) = await office.desk.cases()
    assert (case.status, (await office.desk.history(case.id))[-1]) == ("closed", "report")
    assert len(await office.desk.acknowledged()) == acknowledged
    assert (await office.desk.rows(t.mails))[-1].outcome == "filed"


async def test_ingest_takes_mail_for_the_address(office: Office) -> None:
    """Whoever is served by the plain address is served by the one with a token."""
    address = await office.answered(await office.receive(COMPLAINT))
    assert Recipients.named([SHOP]).serves(address)
    assert not Recipients.named(["ordini@bottega.example"]).serves(address)
