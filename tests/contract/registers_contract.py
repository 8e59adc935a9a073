"""What the register, the history of a customer and the page of values show, on every database."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from itaca.cases.interactions import Channel, Interaction, RecordedFile
from itaca.cases.value import Rate
from itaca.contracts.ids import CaseId
from itaca.errors import PermanentError
from itaca.storage import tables as t
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.contacts import record_outgoing
from itaca.storage.desk_cancellations import RegisterLine, Shown, register_page
from itaca.storage.desk_case import case_files, received_mails
from itaca.storage.desk_customer import customer_history, load_customer
from itaca.storage.desk_values import names_of, value_rate
from itaca.storage.interactions import record_interaction
from itaca.storage.moments import to_micros
from itaca.storage.paging import Place
from tests.support.answers_worth import put_scored
from tests.support.case_facts import WRITER
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, Desk


class RegisterContract:
    """The register of cancellations."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent with a lead."""
        await desk.staff("agent", "lead")

    async def page(self, desk: Desk, shown: Shown = Shown.ALL, **more: Any) -> Sequence[RegisterLine]:
        return (await desk.ledger.database.read(partial(register_page, shown=shown, **more))).lines

    async def test_each_line_says_whose_it_is_and_where_it_stands(self, desk: Desk) -> None:
        """The customer, the owner, who carried it out with what evidence; no receipt while none is signed."""
        await desk.settle(CANCELLATION, sender="anna@posta.example", sender_name="Anna Neri")
        (case,) = await desk.cases()
        await desk.pass_time(days=1)
        effect, now, rng = Effect(desk.now, "order 7", "billing"), desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: confirm_effect(c, case.reference, effect, now, POLICY, rng, "api"))
        (line,) = await self.page(desk)
        assert (line.customer, line.owner, line.receipt) == ("Anna Neri", "agent", "")
        assert (line.register.reference, line.register.system, line.register.evidence) == (
            case.reference,
            "billing",
            "order 7",
        )
        assert line.register.cancellation.watch_until >= now + timedelta(days=89)

    async def test_pages_follow_each_other_and_states_are_told_apart(self, desk: Desk) -> None:
        """The newest first; the next page begins after the last line; violated ones stand alone."""
        for number in range(5):
            await desk.settle(CANCELLATION, sender=f"a{number}@posta.example")
        cases = [case.id for case in await desk.cases()]
        first = await self.page(desk, limit=3)
        rest = await self.page(desk, limit=3, place=Place((first[-1].register.case_id,)))
        assert [line.register.case_id for line in (*first, *rest)] == cases[::-1]
        await desk.ledger.database.write(partial(_violate, case_id=CaseId(cases[1])))
        assert [line.register.case_id for line in await self.page(desk, Shown.VIOLATED)] == [cases[1]]
        assert len(await self.page(desk, Shown.REQUESTED)) == 5
        assert await self.page(desk, Shown.WATCHED) == []


class CustomerContract:
    """What a customer and we said to each other, whatever the way."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent with a lead, and a customer with a complaint."""
        self.agent = (await desk.staff("agent", "lead"))[0].id
        await desk.settle(COMPLAINT, "Il pacco era aperto", sender_name="Anna Neri")
        self.reference = (await desk.cases())[0].reference

    async def record(self, desk: Desk, says: str, is_ours: bool = False, **more: Any) -> None:
        await desk.pass_time(minutes=5)
        now, rng = desk.now, desk.ledger.rng
        contact = Interaction(Channel.CALL, now, says, reference=self.reference, acknowledges=False, **more)

        def work(conn: Connection) -> None:
            if is_ours:
                record_outgoing(conn, contact, now, rng, self.agent)
            else:
                record_interaction(conn, contact, now, POLICY, rng, self.agent)

        await desk.ledger.database.write(work)

    async def test_mails_calls_and_receipts_stand_in_one_history(self, desk: Desk) -> None:
        """The newest first, each with its way, its direction and its words; page by page."""
        await desk.pass_time(minutes=1)
        await desk.let_everything_leave()
        await self.record(desk, "Ha chiamato: il pacco non arriva", name="Anna Neri")
        await self.record(desk, "Le ho detto che parte domani", is_ours=True, name="agent")
        (case,) = await desk.cases()
        read = desk.ledger.database.read
        customer = await read(lambda c: load_customer(c, case.customer_id))
        assert customer is not None
        assert (customer.name, customer.addresses) == ("Anna Neri", (WRITER,))
        first = await read(lambda c: customer_history(c, customer.id, limit=2))
        place = Place((to_micros(first.lines[-1].at), first.lines[-1].id))
        rest = await read(lambda c: customer_history(c, customer.id, place, 3))
        told = [(one.channel, one.is_ours, one.who, one.text) for one in (*first.lines, *rest.lines)]
        assert told == [
            ("call", True, "agent", "Le ho detto che parte domani"),
            ("call", False, "Anna Neri", "Ha chiamato: il pacco non arriva"),
            ("mail", True, "", ""),
            ("mail", False, "Anna Neri", "Il pacco era aperto"),
        ]
        assert {one.reference for one in (*first.lines, *rest.lines)} == {self.reference}

    async def test_only_what_the_customer_began_counts_as_a_contact(self, desk: Desk) -> None:
        """Their call raises the case; ours stands in its history with its file, and the books still balance."""
        await self.record(desk, "Chiama di nuovo")
        (case,) = await desk.cases()
        assert (case.contacts, case.level) == (2, 1)
        scan = RecordedFile("lettera.pdf", "application/pdf", b"%PDF-")
        await self.record(desk, "Mandata per fax la lettera", is_ours=True, name="agent", files=(scan,))
        (after,) = await desk.cases()
        assert (after.contacts, after.severity) == (2, case.severity)
        assert (await desk.history(case.id))[-1] == "contacted"
        read = desk.ledger.database.read
        (file,) = await read(lambda c: case_files(c, CaseId(case.id)))
        newest = (await read(lambda c: received_mails(c, CaseId(case.id))))[-1]
        assert (file.name, file.mail_id, newest.role) == ("lettera.pdf", newest.mail_id, "report")
        assert await desk.problems() == []

    async def test_what_was_recorded_twice_or_about_nothing_is_refused(self, desk: Desk) -> None:
        """A form sent twice keeps one contact."""
        now, rng = desk.now, desk.ledger.rng
        same = Interaction(Channel.FAX, now, "Le ho scritto", reference=self.reference)
        work = partial(record_outgoing, contact=same, now=now, rng=rng, person_id=self.agent)
        await desk.ledger.database.write(work)
        with pytest.raises(PermanentError, match="recorded before"):
            await desk.ledger.database.write(work)
        nowhere = Interaction(Channel.FAX, now, "Le ho scritto", reference="IT-00000-00000")
        with pytest.raises(PermanentError, match="no case"):
            await desk.ledger.database.write(partial(work, contact=nowhere))
        assert len(await desk.rows(t.interactions, channel="fax")) == 1


class ValuePageContract:
    """What is shown beside the ranking of worthless answers."""

    async def test_answers_of_a_period_are_counted_with_what_they_cost(self, desk: Desk) -> None:
        """Scored answers only, of this time only; nobody's name without an id."""
        (agent,) = await desk.staff("agent")
        read, write, rng = desk.ledger.database.read, desk.ledger.database.write, desk.ledger.rng
        now = desk.now
        assert await read(lambda c: value_rate(c, now - timedelta(days=9), now)) == Rate(0, 0, 0)
        await desk.settle(COMPLAINT)
        causes = [("wrote_again", 2), ("nothing_changed", 0), ("", 0)]
        await write(lambda c: put_scored(c, now - timedelta(days=2), rng, causes))
        await write(lambda c: put_scored(c, now - timedelta(days=20), rng, causes))
        assert await read(lambda c: value_rate(c, now - timedelta(days=9), now)) == Rate(2, 3, 2)
        assert await read(lambda c: names_of(c, {agent.id, "nobody"})) == {agent.id: "agent"}
        assert await read(lambda c: names_of(c, set())) == {}


def _violate(conn: Connection, case_id: CaseId) -> None:
    conn.execute(text("UPDATE cancellations SET violations = 1 WHERE case_id = :id"), {"id": case_id})
