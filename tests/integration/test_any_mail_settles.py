"""Whatever is accepted reaches an outcome, with a person where it could not be read, and keeps its bytes."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itaca.contracts.intents import MailOutcome
from itaca.mail.model import Envelope, MailText
from itaca.mail.read import read_mail
from itaca.storage.mails import load_mails, load_raw, save_texts
from itaca.storage.migrate import upgrade
from itaca.storage.routing import Waiting
from tests.support.ledger import open_ledger
from tests.support.mail_strategies import Whole, any_mails
from tests.support.routed import COMPLAINT, NOTHING, UNSURE, Desk

ENVELOPE = Envelope(sender="mario@example.org", recipients=("info@shop.example",))


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a ledger once; each example takes a copy."""
    path = tmp_path_factory.mktemp("settling") / "itaca.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@settings(max_examples=8)
@given(mails=st.lists(any_mails, min_size=4, max_size=12), judged=st.sampled_from((NOTHING, COMPLAINT, UNSURE, None)))
def test_accepted_mail_always_settles_and_keeps_its_bytes(
    empty_ledger: Path, mails: list[Whole], judged: object
) -> None:
    """Broken, certified, nested or empty: every mail ends, the unreadable ones with a person, no byte changed."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(empty_ledger, Path(folder) / "itaca.db")
        asyncio.run(_settle_all(f"sqlite:///{folder}/itaca.db", mails, judged))


async def _settle_all(url: str, mails: list[Whole], judged: object) -> None:
    async with open_ledger(url) as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead")
        texts: dict[str, tuple[bytes, MailText]] = {}
        for mail in mails:
            mail_id, text = await ledger.accept(mail.raw), read_mail(mail.raw, ENVELOPE)
            await ledger.database.write(lambda c, i=mail_id, t=text: save_texts(c, [(i, t)]))
            texts[mail_id] = mail.raw, text
        await desk.route(*(Waiting(mail_id, judged) for mail_id in texts))  # type: ignore[arg-type]
        rows = await ledger.database.read(lambda c: load_mails(c, texts))
        assert rows.keys() == texts.keys()
        for mail_id, (raw, text) in texts.items():
            assert rows[mail_id].outcome is not None
            assert await ledger.database.read(lambda c, i=mail_id: load_raw(c, i)) == raw
            if not text.is_readable and rows[mail_id].outcome is not MailOutcome.FILED:
                assert rows[mail_id].outcome is MailOutcome.REVIEW
        assert not await desk.problems()
