"""What every database must do for labels: keep each, give out the newest with the text that was judged."""

from datetime import timedelta

import pytest

from itaca.contracts.ids import MailId
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage import labels as ledger_labels
from itaca.storage.mails import save_texts
from itaca.storage.people import add_person
from tests.support.ledger import Ledger


async def say(ledger: Ledger, mail_id: MailId, by: str, *intents: Intent, is_blind: bool = False) -> None:
    """Let somebody label a mail, a second after whatever came before."""
    await ledger.clock.advance(timedelta(seconds=1))
    now = ledger.clock.now()
    await ledger.database.write(lambda c: ledger_labels.set_label(c, mail_id, intents, by, is_blind, now, ledger.rng))


async def labelled(ledger: Ledger) -> list[ledger_labels.LabelledMail]:
    return await ledger.database.read(lambda c: list(ledger_labels.labelled_mails(c)))


class LabelContract:
    """Labels."""

    async def test_a_label_comes_back_with_the_text_that_was_judged(self, ledger: Ledger) -> None:
        """Who, when, blind or not, and the writer's text; a mail without a text says so."""
        boss = await ledger.owner()
        read, unread = await ledger.accept(b"1"), await ledger.accept(b"2")
        text = MailText(subject="Pacco", new_text="Non è arrivato.", language="it", sender="anna@example.org")
        await ledger.database.write(lambda c: save_texts(c, [(read, text)]))
        await say(ledger, read, boss.email.upper(), Intent.COMPLAINT, Intent.ORDER, is_blind=True)
        await say(ledger, unread, boss.email)
        first, second = sorted(await labelled(ledger), key=lambda one: one.at)
        assert first.written is not None
        assert (first.written.new_text, first.written.language) == ("Non è arrivato.", "it")
        assert (first.mail_id, first.by, first.sender, first.is_blind) == (read, boss.email, text.sender, True)
        assert first.intents == {Intent.COMPLAINT, Intent.ORDER}
        assert (second.intents, second.written, second.is_blind) == (frozenset(), None, False)
        assert second.at == ledger.clock.now()

    async def test_the_newest_label_of_each_person_counts(self, ledger: Ledger) -> None:
        """A correction replaces what the same person said before; what another said stands beside it."""
        boss = await ledger.owner()
        other = await ledger.database.write(
            lambda c: add_person(c, "Mentore", "m@shop.example", boss.team_id, ledger.clock.now(), ledger.rng)
        )
        mail_id = await ledger.accept()
        await say(ledger, mail_id, boss.email, Intent.ORDER)
        await say(ledger, mail_id, other.email, Intent.ORDER)
        await say(ledger, mail_id, boss.email, Intent.COMPLAINT)
        found = {one.by: one.intents for one in await labelled(ledger)}
        assert found == {boss.email: {Intent.COMPLAINT}, other.email: {Intent.ORDER}}

    async def test_pages_lose_nothing(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        """With more mails than a page holds each is given out once."""
        monkeypatch.setattr(ledger_labels, "PAGE", 2)
        boss = await ledger.owner()
        ids = [await ledger.accept(b"%d" % number) for number in range(5)]
        for mail_id in ids:
            await say(ledger, mail_id, boss.email, Intent.ORDER)
        assert [one.mail_id for one in await labelled(ledger)] == sorted(ids)

    async def test_a_label_needs_a_mail_and_a_person_of_the_ledger(self, ledger: Ledger) -> None:
        """Neither a mail that was never accepted nor somebody nobody knows leaves a label."""
        boss = await ledger.owner()
        mail_id = await ledger.accept()
        with pytest.raises(PermanentError, match="no mail"):
            await say(ledger, MailId("none"), boss.email)
        with pytest.raises(PermanentError, match="nobody has the address"):
            await say(ledger, mail_id, "stranger@shop.example")
        assert await labelled(ledger) == []
