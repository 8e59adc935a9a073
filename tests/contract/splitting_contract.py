"""What every database must do when mails of a case become a case of their own: owned, dated, told of once."""

import pytest

from itaca.cases.splitting import NO_MAIL, OPENER_STAYS, Splitting
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.audit import inspect
from itaca.storage.case_snapshots import snapshot
from itaca.storage.case_splitting import ALREADY_OPENED, NAME_IT, split
from itaca.storage.case_undoing import HAS_LEFT, take_back
from itaca.storage.suppressions import SuppressionKey, find_suppressions
from tests.contract.merging_contract import BOOKS, CATALOGUE, ENERGY
from tests.support.case_facts import WRITER
from tests.support.desk_acts import HOLD_S, case_of, complain, do, look
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, Desk, reference


class SplittingContract:
    """Mails of a case open another one."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of three."""
        self.agent, self.lead, self.head = await desk.staff("agent", "lead", "head")

    async def two_matters(self, desk: Desk) -> tuple[CaseId, MailId, MailId]:
        """Return a complaint in which the second mail is about something else, which asks for something too."""
        case_id, first = await complain(desk, "4711", BOOKS, policy=ENERGY)
        await desk.pass_time(days=8)
        second = await desk.settle(COMPLAINT, CATALOGUE, reference(await case_of(desk, case_id)), policy=ENERGY)
        return case_id, first, second

    async def split(self, desk: Desk, case_id: CaseId, splitting: Splitting, hold_s: float = 0.0) -> CaseId:
        act = await look(desk, case_id, self.agent, hold_s=hold_s)
        found = await do(desk, split, act, splitting, ENERGY)
        (row,) = await desk.rows(t.cases, reference=found)
        return CaseId(row.id)

    async def test_a_mail_that_leaves_takes_along_what_it_asked(self, desk: Desk) -> None:
        """Owner, date, legal clock and question are the new case's; the old one has one contact less."""
        case_id, _, second = await self.two_matters(desk)
        opened = await self.split(desk, case_id, Splitting((second,), CaseKind.COMPLAINT, moves=True))
        new, old = await case_of(desk, opened), await case_of(desk, case_id)
        assert (new.status, new.owner_id, new.opened_by, new.contacts) == ("open", self.agent.id, second, 1)
        assert old.contacts == 1
        assert [row.says for row in await desk.rows(t.asks, case_id=opened)] == [CATALOGUE]
        assert [row.says for row in await desk.rows(t.asks, case_id=case_id)] == [BOOKS]
        assert [row.mail_id for row in await desk.rows(t.case_mails, case_id=opened)] == [second]
        (mail,) = await desk.rows(t.mails, id=second)
        assert [row.started_at for row in await desk.rows(t.legal_clocks, case_id=opened)] == [mail.received_at]
        assert all(row.due_at > row.made_at for row in await desk.rows(t.promises, case_id=opened))
        assert (await desk.history(case_id))[-1] == "split_off"
        assert await desk.problems() == []
        assert (await desk.ledger.database.read(inspect)).problems() == []

    async def test_the_customer_hears_of_it_with_the_next_answer(self, desk: Desk) -> None:
        """No second receipt for what was told already; the new owner is told."""
        case_id, _, second = await self.two_matters(desk)
        before = await desk.acknowledged()
        opened = await self.split(desk, case_id, Splitting((second,), CaseKind.COMPLAINT, moves=True))
        assert await desk.acknowledged() == before
        assert await desk.told(opened, "opened") == ["agent@shop.example"]

    async def test_a_mail_may_raise_another_matter_and_stay(self, desk: Desk) -> None:
        """The first mail of a complaint cancels as well: the cancellation is handed on and gets its receipt."""
        case_id, first, _ = await self.two_matters(desk)
        kept = await desk.ledger.database.read(lambda c: snapshot(c, case_id))
        opened = await self.split(desk, case_id, Splitting((first,), CaseKind.CANCELLATION, False, "4711"))
        (row,) = await desk.rows(t.cancellations, case_id=opened)
        assert (row.state, (await case_of(desk, opened)).matter) == ("requested", "4711")
        kinds = {entry.kind: entry.recipient for entry in await desk.rows(t.outbox, case_id=opened)}
        assert (kinds["acknowledgement"], "cancellation_handoff" in kinds) == (WRITER, True)
        after = await desk.ledger.database.read(lambda c: snapshot(c, case_id))
        assert (after["mails"], after["asks"], after["case"]) == (kept["mails"], kept["asks"], kept["case"])
        assert await desk.problems() == []

    async def test_a_contract_is_known_however_a_person_types_it(self, desk: Desk) -> None:
        """Who bills asks by the number as mails carry it, and must hear that it was cancelled."""
        case_id, first, _ = await self.two_matters(desk)
        opened = await self.split(desk, case_id, Splitting((first,), CaseKind.CANCELLATION, False, " ab 12-3 "))
        found = await desk.ledger.database.read(lambda c: find_suppressions(c, SuppressionKey.CONTRACT, "AB12-3"))
        assert [one.reference for one in found] == [(await case_of(desk, opened)).reference]

    async def test_an_order_goes_to_the_order_system(self, desk: Desk) -> None:
        """What was asked stays with the person who answers; the order has nobody to ask."""
        case_id, _, second = await self.two_matters(desk)
        opened = await self.split(desk, case_id, Splitting((second,), CaseKind.ORDER, moves=True))
        assert (await case_of(desk, opened)).owner_id is None
        assert [entry.kind for entry in await desk.rows(t.outbox, case_id=opened)] == ["order_handoff"]
        assert len(await desk.rows(t.asks, case_id=case_id, state="open")) == 2
        assert await desk.problems() == []

    async def test_two_matters_are_never_one_by_mistake(self, desk: Desk) -> None:
        """A second complaint has a place of its own; a second cancellation says which contract it is about."""
        await desk.settle(COMPLAINT, BOOKS)
        (case,) = await desk.cases(CaseKind.COMPLAINT)
        case_id = CaseId(case.id)
        later = [await desk.settle(COMPLAINT, words, reference(case)) for words in (CATALOGUE, "E il rimborso?")]
        await desk.settle(CANCELLATION)
        one = await self.split(desk, case_id, Splitting((later[0],), CaseKind.COMPLAINT, moves=True))
        other = await self.split(desk, case_id, Splitting((later[1],), CaseKind.COMPLAINT, moves=True))
        assert len({(await case_of(desk, i)).matter for i in (case_id, one, other)}) == 3
        act = await look(desk, one, self.agent)
        again = Splitting((later[0],), CaseKind.CANCELLATION, moves=False)
        with pytest.raises(PermanentError, match=NAME_IT):
            await do(desk, split, act, again, POLICY)

    async def test_what_does_not_fit_is_refused(self, desk: Desk) -> None:
        """No mail, a mail of another case, the mail that began it, and the same mail twice."""
        case_id, first, second = await self.two_matters(desk)
        act = await look(desk, case_id, self.agent)
        refusals = {
            Splitting((), CaseKind.ORDER, True): NO_MAIL,
            Splitting((MailId("elsewhere"),), CaseKind.ORDER, True): NO_MAIL,
            Splitting((second,), CaseKind.REVIEW, True): NO_MAIL,
            Splitting((first,), CaseKind.ORDER, True): OPENER_STAYS,
            Splitting((first,), CaseKind.COMPLAINT, False): ALREADY_OPENED,
        }
        for splitting, says in refusals.items():
            with pytest.raises(PermanentError, match=says):
                await do(desk, split, act, splitting, POLICY)
        assert len(await desk.cases()) == 1

    async def test_it_is_taken_back_while_nothing_has_left(self, desk: Desk) -> None:
        """The mail, its question and its contact come home; the reference that nobody was told leads there too."""
        case_id, _, second = await self.two_matters(desk)
        await desk.let_everything_leave()
        read = desk.ledger.database.read
        before = await read(lambda c: snapshot(c, case_id))
        opened = await self.split(desk, case_id, Splitting((second,), CaseKind.COMPLAINT, True), HOLD_S)
        await do(desk, take_back, await look(desk, case_id, self.agent))
        after = await read(lambda c: snapshot(c, case_id))
        assert after == {**before, "mergers": [opened]}
        assert (await case_of(desk, opened)).outcome == "merged"
        assert await desk.rows(t.outbox, case_id=opened) == []
        assert {row.state for row in await desk.rows(t.legal_clocks, case_id=opened)} == {"void"}
        assert await desk.problems() == []
        assert (await read(inspect)).problems() == []

    async def test_an_order_that_has_left_is_not_called_back(self, desk: Desk) -> None:
        """The order system has it: the person is told so, and both cases stay."""
        case_id, _, second = await self.two_matters(desk)
        opened = await self.split(desk, case_id, Splitting((second,), CaseKind.ORDER, moves=True))
        await desk.let_everything_leave()
        with pytest.raises(PermanentError, match=HAS_LEFT):
            await do(desk, take_back, await look(desk, case_id, self.agent))
        assert (await case_of(desk, opened)).outcome == "ordered"
