"""What every database must refuse, whoever asks."""

import pytest
from sqlalchemy import delete, insert, literal, select, update

from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.errors import PermanentError
from itaca.storage import mails
from itaca.storage import tables as t
from tests.support.ledger import NOW, Ledger


class SchemaContract:
    """Invariants that no code can forget."""

    async def test_lm30_a_complaint_without_owner_is_refused(self, ledger: Ledger) -> None:
        """LM30: a complaint, cancellation or review has an owner from its first row on; an order may have none."""
        mail_id = await ledger.accept()
        for kind in (CaseKind.COMPLAINT, CaseKind.CANCELLATION, CaseKind.REVIEW):
            case_id = await ledger.open_case(mail_id, kind)
            with pytest.raises(PermanentError):
                await ledger.database.write(
                    lambda c, i=case_id: c.execute(update(t.cases).where(t.cases.c.id == i).values(owner_id=None))
                )
            new = {"id": "n", "reference": "IT-00000-00001", "kind": kind.value, "matter": "N1", "opened_by": mail_id}
            copied = insert(t.cases).from_select(
                [*new, "customer_id", "opened_at"],
                select(*map(literal, new.values()), t.cases.c.customer_id, t.cases.c.opened_at).limit(1),
            )
            with pytest.raises(PermanentError):
                await ledger.database.write(lambda c, s=copied: c.execute(s))
        order_id = await ledger.open_case(mail_id, CaseKind.ORDER)
        free = update(t.cases).where(t.cases.c.id == order_id).values(owner_id=None)
        assert (await ledger.database.write(lambda c: c.execute(free).rowcount)) == 1

    async def test_an_open_promise_without_date_is_refused(self, ledger: Ledger) -> None:
        """What is owed has a date for as long as it is owed."""
        case_id = await ledger.open_case(await ledger.accept())
        row = {"id": "p", "case_id": case_id, "kind": "answer", "made_at": 1}
        with pytest.raises(PermanentError):
            await ledger.database.write(lambda c: c.execute(insert(t.promises).values(**row)))

    async def test_a_closed_case_needs_its_outcome(self, ledger: Ledger) -> None:
        """A case cannot be closed without saying how it ended."""
        case_id = await ledger.open_case(await ledger.accept())
        close = update(t.cases).where(t.cases.c.id == case_id).values(status="closed", closed_at=5)
        with pytest.raises(PermanentError):
            await ledger.database.write(lambda c: c.execute(close))

    async def test_one_open_case_per_customer_and_matter(self, ledger: Ledger) -> None:
        """LM23: the same mail opens a kind of case once, so a repeated delivery opens nothing twice."""
        mail_id = await ledger.accept()
        await ledger.open_case(mail_id)
        with pytest.raises(PermanentError):
            await ledger.open_case(mail_id)

    async def test_a_settled_mail_cannot_be_settled_again(self, ledger: Ledger) -> None:
        """Not even a plain UPDATE changes an outcome or takes it back."""
        mail_id = await ledger.accept()
        assert await ledger.database.write(lambda c: mails.settle(c, mail_id, MailOutcome.CASE, "router", NOW))
        for change in ({"outcome": "noted"}, {"settled_at": None, "outcome": None}, {"settled_by": "me"}):
            with pytest.raises(PermanentError):
                await ledger.database.write(
                    lambda c, v=change: c.execute(update(t.mails).where(t.mails.c.id == mail_id).values(**v))
                )

    async def test_lm27_history_and_evidence_only_grow(self, ledger: Ledger) -> None:
        """LM16, LM27: raw bytes, envelopes, readings and case events can be neither changed nor deleted."""
        mail_id = await ledger.accept()
        await ledger.open_case(mail_id)
        reading = {"mail_id": mail_id, "model": "m1", "read_at": 1, "judgement": {}}
        await ledger.database.write(lambda c: c.execute(insert(t.readings).values(**reading)))
        forbidden = [
            update(t.raw_mails).values(raw=b"other"),
            update(t.mails).values(digest="0" * 64),
            update(t.mails).values(envelope_from="other"),
            update(t.mails).values(received_at=1),
            update(t.readings).values(judgement={"changed": True}),
            update(t.case_events).values(actor="nobody"),
            delete(t.case_events),
            delete(t.readings),
            delete(t.raw_mails),
        ]
        for statement in forbidden:
            with pytest.raises(PermanentError):
                await ledger.database.write(lambda c, s=statement: c.execute(s))
        assert await ledger.database.read(lambda c: mails.load_raw(c, mail_id)) != b"other"
